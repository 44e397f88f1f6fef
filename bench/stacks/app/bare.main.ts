/** The least that a Nest api can be: one route, nothing behind it. What its start costs is the price of Nest. */
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { Controller, HttpCode, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

@Controller('v1')
class BareController {
  @Post('messages')
  @HttpCode(202)
  create() {
    return { id: randomUUID(), status: 'pending' };
  }
}

@Module({ controllers: [BareController] })
class BareModule {}

const app = await NestFactory.create<NestFastifyApplication>(BareModule, new FastifyAdapter(), {
  logger: ['error', 'warn'],
});
await app.listen(Number(process.env['PORT']), '127.0.0.1');
console.log('ready');
