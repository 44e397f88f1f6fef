import { BullModule, getQueueToken } from '@nestjs/bullmq';
import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { ProcessConfig } from '#config';
import { createProducerConnection } from './redis.ts';
import { TicketQueue } from './ticket-queue.ts';
import { TICKETS, type Ticket } from './ticket.ts';

/** BullMQ's prefix; the braces keep all of its keys on one node of a cluster. */
export function queuePrefix({ REDIS_PREFIX }: ProcessConfig): string {
  return `{${REDIS_PREFIX}}`;
}

@Module({})
export class QueueModule {
  /** @param config the token of the app's config */
  static forApp(config: InjectionToken<ProcessConfig>): DynamicModule {
    const connections = new Map<string, Redis>();
    const connectionFor = ({ REDIS_URL }: ProcessConfig): Redis => {
      const known = connections.get(REDIS_URL) ?? createProducerConnection(REDIS_URL);
      connections.set(REDIS_URL, known);
      return known;
    };
    return {
      module: QueueModule,
      imports: [
        BullModule.registerQueueAsync({
          name: TICKETS,
          inject: [config],
          useFactory: (values: ProcessConfig) => ({ connection: connectionFor(values), prefix: queuePrefix(values) }),
        }),
      ],
      providers: [
        {
          provide: TicketQueue,
          inject: [getQueueToken(TICKETS), config],
          useFactory: (queue: Queue<Ticket>, values: ProcessConfig) => new TicketQueue(queue, connectionFor(values)),
        },
      ],
      exports: [TicketQueue, BullModule],
    };
  }
}
