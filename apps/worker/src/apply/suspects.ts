import { Injectable, Logger } from '@nestjs/common';
import { WorkerConfig } from '#config';
import { Database, isUnavailable } from '#database';
import { recordAttemptStatement } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { ApplyService, type ApplyResult } from './apply.service.ts';
import { FailureService } from './failure.service.ts';
import { HandlerError } from './handlers.ts';
import { Performer } from './performer.ts';
import { PublisherService } from './publisher.service.ts';

/** How long a suspect waits that could not be run, in milliseconds. */
const LATER_MS = 200;

/**
 * Runs actions that were under way when a worker died. One of them may have killed it, so
 * each runs alone, one at a time in this process, and its attempt is recorded before it
 * starts: who kills its worker every time runs out of attempts, and nobody else does.
 */
@Injectable()
export class Suspects {
  private readonly logger = new Logger(Suspects.name);
  #last: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: Database,
    private readonly applier: ApplyService,
    private readonly performer: Performer,
    private readonly failures: FailureService,
    private readonly publisher: PublisherService,
    private readonly tickets: TicketQueue,
    private readonly config: WorkerConfig,
  ) {}

  /** Resolves when the action is settled, or has another ticket. */
  run(entry: TicketEntry): Promise<void> {
    const turn = this.#last.then(() => this.runNow(entry));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  private async runNow(entry: TicketEntry): Promise<void> {
    const [id] = entry;
    const recorded = await recordAttemptStatement(this.database, id, this.config.MAX_ATTEMPTS);
    if (recorded.state === 'finished') return this.publisher.republish([id]);
    if (recorded.state === 'blocked') return this.later(entry);
    const attempt = recorded.state === 'recorded' ? recorded.attempt : undefined;
    try {
      const { blocked, envelopes } = await this.applyAlone(entry, attempt);
      await this.publisher.publish(envelopes);
      if (blocked.length > 0) await this.later(entry);
      // Whoever waits behind it goes on with its own ticket, or with this one.
      else await this.tickets.add('follow-up', [entry]);
    } catch (error) {
      if (isUnavailable(error)) throw error;
      if (error instanceof HandlerError) {
        await this.publisher.publish(await this.failures.handle(error, entry, attempt));
        await this.tickets.add('follow-up', [entry]);
        return;
      }
      this.logger.warn(`suspect ${id} is tried again: ${String(error)}`);
      await this.later(entry);
    } finally {
      this.performer.release(id);
    }
  }

  /** An exhausted one (no attempt) is not run any more: it only gets its end. */
  private async applyAlone(entry: TicketEntry, attempt: number | undefined): Promise<ApplyResult> {
    const [id] = entry;
    const result = await this.applier.apply([entry], { only: id, attempt });
    const row = result.started.find((started) => started.id === id);
    if (!row) return result;
    const performed = new Map([[id, await this.performer.perform(row, attempt ?? row.attempts + 1)]]);
    return this.applier.apply([entry], { only: id, attempt, performed });
  }

  private async later(entry: TicketEntry): Promise<void> {
    await this.tickets.addSuspects([entry], LATER_MS);
  }
}
