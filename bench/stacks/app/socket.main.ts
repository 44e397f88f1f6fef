import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readEnvironment } from '../environment.ts';
import { notificationPathOf } from '../notification-paths.ts';
import { jwtModule } from './jwt.ts';
import { OutcomeGateway } from './outcome.gateway.ts';
import { StackIoAdapter } from './stack-io.adapter.ts';

const { stack, port, redis, secret } = readEnvironment();

@Module({ imports: [jwtModule(secret)], providers: [OutcomeGateway] })
class SocketModule {}

const app = await NestFactory.create<NestFastifyApplication>(SocketModule, new FastifyAdapter(), {
  logger: ['error', 'warn'],
});
const adapter = new StackIoAdapter(app, notificationPathOf(stack), redis);
app.useWebSocketAdapter(adapter);
await app.listen(port, '127.0.0.1');
await adapter.attached();
console.log('ready');
