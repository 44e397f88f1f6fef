import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Job } from 'bullmq';
import { WorkerConfig } from '#config';
import { parseTicket, SWEEP, TICKET_WORKER_OPTIONS, TicketQueue, TICKETS, type TicketEntry } from '#queue';
import { Joiner } from '../apply/joiner.ts';
import { Suspects } from '../apply/suspects.ts';
import { Sweeper } from './sweeper.ts';

/** Takes tickets from BullMQ. */
@Processor(TICKETS, { ...TICKET_WORKER_OPTIONS, autorun: false })
export class TicketProcessor extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TicketProcessor.name);

  constructor(
    private readonly joiner: Joiner,
    private readonly suspects: Suspects,
    private readonly sweeper: Sweeper,
    private readonly tickets: TicketQueue,
    private readonly config: WorkerConfig,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    this.worker.concurrency = this.config.WORKER_CONCURRENCY;
    this.worker.run().catch((error: unknown) => this.logger.error(`stopped taking tickets: ${String(error)}`));
  }

  /** Without a listener, a lost connection would end the process. */
  @OnWorkerEvent('error')
  onError(error: Error): void {
    this.logger.debug(error.message);
  }

  /** Resolves when every action of the ticket is settled; the ticket is removed then. */
  async process(job: Job): Promise<void> {
    const { actions, suspect } = parseTicket(job.data);
    const wasStarted = job.attemptsStarted > 1;
    if (suspect) return this.runSuspects(actions);
    const named = job.name === SWEEP ? await this.sweeper.oldest() : actions;
    if (wasStarted) return this.split(named);
    await this.joiner.run(named);
    if (job.name === SWEEP) this.sweeper.done(named.length);
  }

  private async runSuspects(actions: readonly TicketEntry[]): Promise<void> {
    for (const action of actions) await this.suspects.run(action);
  }

  /** A ticket that was started before, and not finished, may have killed its worker: each of its actions gets its own. */
  private async split(actions: readonly TicketEntry[]): Promise<void> {
    this.logger.warn(`a ticket was started before: its ${actions.length} actions run alone`);
    if (actions.length > 0 && !(await this.tickets.addSuspects(actions)))
      throw new Error('Redis did not take the tickets');
  }

  /** Finishes what is in hand; the rest goes to other workers. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.worker.close();
  }
}
