import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { ProcessConfig } from '#config';
import { connectRedis, type RedisConnection } from '#redis';
import { TicketQueue } from './ticket-queue.ts';
import { TICKETS, type Ticket } from './ticket.ts';

/** BullMQ's prefix; the braces keep all of its keys on one node of a cluster. */
export function queuePrefix({ REDIS_PREFIX }: ProcessConfig): string {
  return `{${REDIS_PREFIX}}`;
}

const QUEUE_CONNECTION = Symbol('queue connection');

/**
 * The connection comes with the queue, and the worker of the queue shares it. It keeps commands
 * while Redis is away (BullMQ needs that for the worker); so whoever adds tickets looks at its
 * status first and does not wait beyond a deadline.
 */
@Module({
  providers: [
    {
      provide: QUEUE_CONNECTION,
      inject: [ProcessConfig],
      useFactory: ({ REDIS_URL }: ProcessConfig) => connectRedis(REDIS_URL, { name: 'tidings-queue' }),
    },
  ],
  exports: [QUEUE_CONNECTION],
})
class QueueConnectionModule {}

/** The queue of tickets. */
@Module({
  imports: [
    QueueConnectionModule,
    BullModule.registerQueueAsync({
      name: TICKETS,
      imports: [QueueConnectionModule],
      inject: [ProcessConfig, QUEUE_CONNECTION],
      useFactory: (config: ProcessConfig, connection: RedisConnection) => ({ connection, prefix: queuePrefix(config) }),
    }),
  ],
  providers: [
    {
      provide: TicketQueue,
      inject: [getQueueToken(TICKETS), QUEUE_CONNECTION],
      useFactory: (queue: Queue<Ticket>, connection: RedisConnection) => new TicketQueue(queue, connection),
    },
  ],
  exports: [TicketQueue, BullModule],
})
export class QueueModule {}
