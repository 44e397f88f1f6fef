import 'reflect-metadata';
import { BullModule } from '@nestjs/bullmq';
import { Module, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { readEnvironment } from '../environment.ts';
import { jwtModule } from './jwt.ts';
import { MESSAGES_QUEUE } from './messages-queue.ts';
import { MessagesController } from './messages.controller.ts';

const { port, redis, secret } = readEnvironment();

@Module({
  imports: [
    jwtModule(secret),
    BullModule.forRoot({ connection: { url: redis } }),
    BullModule.registerQueue({
      name: MESSAGES_QUEUE,
      defaultJobOptions: {
        attempts: 3,
        backoff: { type: 'exponential', delay: 500 },
        removeOnComplete: true,
        removeOnFail: 1_000,
      },
    }),
  ],
  controllers: [MessagesController],
})
class ApiModule {}

const app = await NestFactory.create<NestFastifyApplication>(ApiModule, new FastifyAdapter(), {
  logger: ['error', 'warn'],
});
app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true }));
await app.listen(port, '127.0.0.1');
console.log('ready');
