import 'reflect-metadata';
import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Pool } from 'pg';
import { readEnvironment } from '../environment.ts';
import { notificationPathOf } from '../notification-paths.ts';
import { MESSAGES_QUEUE } from './messages-queue.ts';
import { MessagesProcessor, NOTIFIER } from './messages.processor.ts';

const { stack, redis, postgres } = readEnvironment();

@Module({
  imports: [BullModule.forRoot({ connection: { url: redis } }), BullModule.registerQueue({ name: MESSAGES_QUEUE })],
  providers: [
    MessagesProcessor,
    { provide: Pool, useFactory: () => new Pool({ connectionString: postgres, max: 10 }) },
    { provide: NOTIFIER, useFactory: () => notificationPathOf(stack).createNotifier(redis) },
  ],
})
class WorkerModule {}

await NestFactory.createApplicationContext(WorkerModule, { logger: ['error', 'warn'] });
console.log('ready');
