import { Injectable, Logger } from '@nestjs/common';
import { WorkerConfig } from '#config';
import { Database } from '#database';
import {
  busyResourcesStatement,
  firstUnfinishedStatement,
  forgetAttemptStatement,
  recordAttemptStatement,
} from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { ApplyService } from './apply.service.ts';
import { FailureService } from './failure.service.ts';
import { HandlerError, Handlers } from './handlers.ts';
import { Performer } from './performer.ts';
import { PublisherService } from './publisher.service.ts';

/** How long a suspect waits that could not be run, in milliseconds. */
const LATER_MS = 200;

/** How long a suspect waits while another is being performed here, in milliseconds. */
const BUSY_MS = 1_000;

/**
 * Runs actions whose worker died, twice. One of them may have killed it, so each runs alone,
 * one at a time in this process, and its attempt is recorded before it starts: who kills
 * its worker every time runs out of attempts, and nobody else does.
 *
 * A ticket names a resource to suspect: whatever stands first there is what runs, until
 * nothing is left. Those which perform, and so may take long, have a line of their own.
 */
@Injectable()
export class Suspects {
  private readonly logger = new Logger(Suspects.name);
  readonly #applying = new Line();
  readonly #performing = new Line();

  constructor(
    private readonly database: Database,
    private readonly applier: ApplyService,
    private readonly handlers: Handlers,
    private readonly performer: Performer,
    private readonly failures: FailureService,
    private readonly publisher: PublisherService,
    private readonly tickets: TicketQueue,
    private readonly config: WorkerConfig,
  ) {}

  /**
   * Gives each a ticket of its own, where something is left to do on its resource: a ticket
   * also comes back when its worker was merely too busy to hold it, and has done most of it.
   *
   * @throws {Error} when Redis does not take the tickets
   */
  async add(entries: readonly TicketEntry[]): Promise<void> {
    const busy = await busyResourcesStatement(this.database, [...new Set(entries.map(([, resource]) => resource))]);
    const suspects = entries.filter(([, resource]) => busy.has(resource));
    const done = entries.filter(([, resource]) => !busy.has(resource));
    await this.publisher.republish(done.map(([id]) => id));
    if (suspects.length === 0) return;
    this.logger.warn(`${suspects.length} actions run alone: their tickets were started before, more than once`);
    if (!(await this.tickets.addSuspects(suspects))) throw new Error('Redis did not take the tickets');
  }

  /** Resolves when nothing is left to do on the resource of the action, or it has another ticket. */
  async run(entry: TicketEntry): Promise<void> {
    const [id, resource] = entry;
    const first = await firstUnfinishedStatement(this.database, resource);
    if (!first) return this.publisher.republish([id]);
    if (first.waitMs > 0) return this.later(entry, first.waitMs);
    const isPerforming = this.handlers.performs(first.type);
    const line = isPerforming ? this.#performing : this.#applying;
    // Its ticket must not keep others waiting for as long as somebody's work may last.
    if (isPerforming && line.isBusy) return this.later(entry, BUSY_MS);
    const delay = await line.run(() => this.runFirst(resource));
    await this.later(entry, delay);
  }

  /** @returns when to go on with the resource, in milliseconds */
  private async runFirst(resource: string): Promise<number> {
    const first = await recordAttemptStatement(this.database, resource, this.config.MAX_ATTEMPTS);
    if (!first || first.waitMs > 0) return first?.waitMs ?? 0;
    const { id, parentId } = first;
    const attempt = first.attempt ?? undefined;
    const entry: TicketEntry = parentId === null ? [id, resource] : [id, resource, parentId];
    try {
      if (await this.applyAlone(entry, attempt)) return 0;
      this.logger.debug(`suspect ${id} waits`);
    } catch (error) {
      if (error instanceof HandlerError) {
        const { envelopes } = await this.failures.handle(error, entry, attempt);
        await this.publisher.publish(envelopes);
        return 0;
      }
      this.logger.warn(`suspect ${id} is tried again: ${String(error)}`);
    } finally {
      this.performer.release(id);
    }
    // It has not run: that does not count.
    if (attempt !== undefined) await forgetAttemptStatement(this.database, id, attempt);
    return LATER_MS;
  }

  /**
   * An exhausted one (no attempt) is not run any more: it only gets its end.
   *
   * @returns whether it ran
   */
  private async applyAlone(entry: TicketEntry, attempt: number | undefined): Promise<boolean> {
    const [id] = entry;
    const result = await this.applier.apply([entry], { only: id, attempt });
    await this.publisher.publish(result.envelopes);
    const row = result.started.find((started) => started.id === id);
    if (!row) return result.blocked.length === 0;
    const performed = new Map([[id, await this.performer.perform(row, attempt ?? row.attempts + 1)]]);
    const { blocked, envelopes } = await this.applier.apply([entry], { only: id, attempt, performed });
    await this.publisher.publish(envelopes);
    return blocked.length === 0;
  }

  private async later(entry: TicketEntry, delayMs: number): Promise<void> {
    await this.tickets.addSuspects([entry], delayMs);
  }
}

/** Does one thing after the other. */
class Line {
  #last: Promise<unknown> = Promise.resolve();
  #size = 0;

  get isBusy(): boolean {
    return this.#size > 0;
  }

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#size += 1;
    const turn = this.#last.then(work).finally(() => (this.#size -= 1));
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
