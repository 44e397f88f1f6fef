import { OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import { Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Job } from 'bullmq';
import { setTimeout as after } from 'node:timers/promises';
import { WorkerConfig } from '#config';
import { parseTicket, SWEEP, TICKET_WORKER_OPTIONS, TICKETS, type TicketEntry } from '#queue';
import { Joiner } from '../apply/joiner.ts';
import { Suspects } from '../apply/suspects.ts';
import { Sweeper } from './sweeper.ts';

/** How often a ticket may have been started before it is suspected of killing its workers. */
const UNSUSPECTED_STARTS = 2;

/** How long a sweep ticket is held, in milliseconds: while there is one, nobody adds another. */
const SWEEP_HELD_MS = 2_000;

/** Takes tickets from BullMQ. */
@Processor(TICKETS, { ...TICKET_WORKER_OPTIONS, autorun: false })
export class TicketProcessor extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TicketProcessor.name);

  constructor(
    private readonly joiner: Joiner,
    private readonly suspects: Suspects,
    private readonly sweeper: Sweeper,
    private readonly config: WorkerConfig,
  ) {
    super();
  }

  onApplicationBootstrap(): void {
    // Tickets whose actions are being performed must not keep others waiting.
    this.worker.concurrency = this.config.WORKER_CONCURRENCY + this.config.PERFORM_CONCURRENCY;
    this.worker.run().catch((error: unknown) => this.logger.error(`stopped taking tickets: ${String(error)}`));
  }

  /** Without a listener, a lost connection would end the process. */
  @OnWorkerEvent('error')
  onError(error: Error): void {
    this.logger.debug(error.message);
  }

  /** It is none, or of a version that is not known here. */
  @OnWorkerEvent('failed')
  onFailed(_: Job | undefined, error: Error): void {
    this.logger.warn(`a ticket failed, the sweeper sees to its actions: ${error.message}`);
  }

  /** Resolves when every action of the ticket is settled; the ticket is removed then. */
  async process(job: Job): Promise<void> {
    const { actions, suspect, starts = 0 } = parseTicket(job.data);
    const allStarts = starts + job.attemptsStarted;
    if (suspect) return this.runSuspects(actions, allStarts - 1);
    const named = job.name === SWEEP ? await this.sweeper.oldest() : actions;
    // Workers die for many reasons, so a ticket gets a second start as it is; after that, it may be what kills them.
    if (allStarts > UNSUSPECTED_STARTS) return this.suspects.add(named);
    if (job.name !== SWEEP) return this.joiner.run(named, allStarts);
    // What takes longer is under way, or is found again.
    await Promise.race([this.joiner.run(named), after(SWEEP_HELD_MS, undefined, { ref: false })]);
    this.sweeper.done(named.length);
  }

  private async runSuspects(actions: readonly TicketEntry[], deaths: number): Promise<void> {
    for (const action of actions) await this.suspects.run(action, deaths);
  }

  /** Finishes what is in hand; the rest goes to other workers. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.worker.close();
  }
}
