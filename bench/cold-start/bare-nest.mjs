// The least that a Nest application on Fastify can be, as a function.
import 'reflect-metadata';
import awsLambdaFastify from '@fastify/aws-lambda';
import { Controller, HttpCode, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

class MessagesController {
  create() {
    return { text: 'hello' };
  }
}
const create = Object.getOwnPropertyDescriptor(MessagesController.prototype, 'create');
Post()(MessagesController.prototype, 'create', create);
HttpCode(200)(MessagesController.prototype, 'create', create);
Controller('v1/messages')(MessagesController);

const bare = { module: MessagesController, controllers: [MessagesController] };

const app = await NestFactory.create(bare, new FastifyAdapter(), { logger: false });
await app.init();
await app.getHttpAdapter().getInstance().ready();

export const handler = awsLambdaFastify(app.getHttpAdapter().getInstance());
