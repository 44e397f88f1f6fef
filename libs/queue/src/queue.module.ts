import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { ProcessConfig } from '#config';
import { createQueueConnection } from './redis.ts';
import { TicketQueue } from './ticket-queue.ts';
import { TICKETS, type Ticket } from './ticket.ts';

/** BullMQ's prefix; the braces keep all of its keys on one node of a cluster. */
export function queuePrefix({ REDIS_PREFIX }: ProcessConfig): string {
  return `{${REDIS_PREFIX}}`;
}

const QUEUE_CONNECTION = Symbol('queue connection');

/** The connection comes with the queue, and the worker of the queue shares it. */
@Module({
  providers: [
    {
      provide: QUEUE_CONNECTION,
      inject: [ProcessConfig],
      useFactory: ({ REDIS_URL }: ProcessConfig) => createQueueConnection(REDIS_URL),
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
      useFactory: (config: ProcessConfig, connection: Redis) => ({ connection, prefix: queuePrefix(config) }),
    }),
  ],
  providers: [
    {
      provide: TicketQueue,
      inject: [getQueueToken(TICKETS), QUEUE_CONNECTION],
      useFactory: (queue: Queue<Ticket>, connection: Redis) => new TicketQueue(queue, connection),
    },
  ],
  exports: [TicketQueue, BullModule],
})
export class QueueModule {}
