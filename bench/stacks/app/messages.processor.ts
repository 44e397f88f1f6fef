import { Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import type { Job } from 'bullmq';
import { Pool } from 'pg';
import type { Notifier } from '../notification-path.ts';
import { MESSAGES_QUEUE, type MessageJobs } from './messages-queue.ts';

export const NOTIFIER = Symbol('NOTIFIER');

const INSERT = `insert into messages (id, author, text) values ($1, $2, $3) returning created_at as "createdAt"`;

@Processor(MESSAGES_QUEUE, { concurrency: 50 })
export class MessagesProcessor extends WorkerHost {
  constructor(
    private readonly pool: Pool,
    @Inject(NOTIFIER) private readonly notifier: Notifier,
  ) {
    super();
  }

  override async process(job: Job): Promise<unknown> {
    return job.name === 'announce'
      ? this.announce(job.data as MessageJobs['announce'])
      : this.create(job.data as MessageJobs['create']);
  }

  private async create({ id, userId, text }: MessageJobs['create']): Promise<unknown> {
    const { rows } = await this.pool.query<{ createdAt: Date }>(INSERT, [id, userId, text]);
    const { createdAt } = rows[0]!;
    return this.notifier.toUser(userId, 'outcome', {
      id,
      type: 'messages.create',
      status: 'succeeded',
      response: { id, author: userId, text, createdAt: createdAt.toISOString() },
    });
  }

  private async announce(announcement: MessageJobs['announce']): Promise<unknown> {
    return this.notifier.toEveryone('event', { type: 'announcement', ...announcement });
  }
}
