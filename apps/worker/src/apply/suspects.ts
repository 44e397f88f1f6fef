import { Injectable, Logger } from '@nestjs/common';
import { WorkerConfig } from '#config';
import { Database } from '#database';
import {
  busyResourcesStatement,
  firstUnfinishedStatement,
  forgetAttemptStatement,
  postponeStatement,
  recordAttemptStatement,
} from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { ApplyService, type ApplyResult } from './apply.service.ts';
import { FailureService } from './failure.service.ts';
import { HandlerError, Handlers } from './handlers.ts';
import { Line } from './line.ts';
import { LEASE_MS, Performer } from './performer.ts';
import { PublisherService } from './publisher.service.ts';

/** How long a suspect waits that could not be run, in milliseconds. */
const LATER_MS = 200;

/**
 * How long a suspect that performs stands in line, in milliseconds, and how many may: their
 * tickets must not keep others waiting for as long as somebody's work may last. The rest come
 * back after about the same time.
 */
const IN_LINE_MS = 1_000;
const MOST_IN_LINE = 10;

/** How many that perform may run at once, as long as no worker died of it. */
const AT_ONCE = 16;

/**
 * Runs actions whose worker died, twice. One of them may have killed it, so each runs alone,
 * one at a time in this process, and its attempt is recorded before it starts: who kills
 * its worker every time runs out of attempts, and nobody else does.
 *
 * Those which perform may take long, and have a line of their own. Some run together first,
 * which counts for none of them: mostly their workers died of something else. Where one dies
 * once more, those that it had in hand run alone, too.
 *
 * A ticket names a resource to suspect: whatever stands first there is what runs, until
 * nothing is left.
 */
@Injectable()
export class Suspects {
  private readonly logger = new Logger(Suspects.name);
  readonly #applying = new Line();
  readonly #performing = new Line(AT_ONCE, MOST_IN_LINE, IN_LINE_MS);

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

  /**
   * Resolves when nothing is left to do on the resource of the action, or it has another ticket.
   *
   * @param deaths how often a worker died that had this ticket in hand
   */
  async run(entry: TicketEntry, deaths: number): Promise<void> {
    const [id, resource] = entry;
    const first = await firstUnfinishedStatement(this.database, resource);
    if (!first) return this.publisher.republish([id]);
    if (first.waitMs > 0) return this.later(entry, first.waitMs, deaths);
    const isPerforming = this.handlers.performs(first.type);
    const isAlone = !isPerforming || deaths > 0;
    const line = isPerforming ? this.#performing : this.#applying;
    const size = isPerforming && isAlone ? AT_ONCE : 1;
    const left = await line.run(() => this.runFirst(resource, first.id, isAlone), size);
    if (!left) return this.comeBack(entry, first.id, deaths);
    // What stands behind it is as good as new.
    await this.later(entry, left.afterMs, left.isDone ? 0 : deaths);
  }

  /**
   * Runs an action, unless another one stands first by now: that may belong into another line.
   *
   * @returns when to go on with the resource, in milliseconds, and whether the action is settled
   */
  private async runFirst(
    resource: string,
    id: string,
    isAlone: boolean,
  ): Promise<{ afterMs: number; isDone: boolean }> {
    const first = isAlone
      ? await recordAttemptStatement(this.database, resource, id, this.config.MAX_ATTEMPTS, LEASE_MS)
      : await firstUnfinishedStatement(this.database, resource);
    if (first?.id !== id) return { afterMs: 0, isDone: true };
    if (first.waitMs > 0) return { afterMs: first.waitMs, isDone: false };
    const { parentId } = first;
    const attempt = first.attempt ?? undefined;
    const entry: TicketEntry = parentId === null ? [id, resource] : [id, resource, parentId];
    try {
      if (await this.applyAlone(entry, attempt)) return { afterMs: 0, isDone: true };
      this.logger.debug(`suspect ${id} waits`);
    } catch (error) {
      if (error instanceof HandlerError) {
        const { envelopes } = await this.failures.handle(error, entry, { recorded: attempt });
        await this.publisher.publish(envelopes);
        return { afterMs: 0, isDone: true };
      }
      this.logger.warn(`suspect ${id} is tried again: ${String(error)}`);
    }
    // It has not run: that does not count.
    if (attempt !== undefined) await forgetAttemptStatement(this.database, id);
    return { afterMs: LATER_MS, isDone: false };
  }

  /**
   * An exhausted one (no attempt) is not run any more: it only gets its end.
   *
   * @returns whether it has an end: it has none when somebody else has it, or its resource
   */
  private async applyAlone(entry: TicketEntry, attempt: number | undefined): Promise<boolean> {
    const [id] = entry;
    const result = await this.applier.apply([entry], { only: id, attempt });
    await this.publisher.publish(result.envelopes);
    const row = result.started.find((started) => started.id === id);
    if (!row) return hasEnded(result);
    this.performer.hold(id, result.leasedAt);
    try {
      // This process was frozen meanwhile.
      if (!this.performer.holds(id)) return false;
      const performed = new Map([[id, await this.performer.perform(row, attempt ?? row.attempts + 1)]]);
      const applied = await this.applier.apply([entry], { only: id, attempt, performed });
      await this.publisher.publish(applied.envelopes);
      return hasEnded(applied);
    } finally {
      this.performer.release(id);
    }
  }

  /** Its turn has not come. The ledger says when it is due again, or the sweeper would take it for lost. */
  private async comeBack(entry: TicketEntry, first: string, deaths: number): Promise<void> {
    const delayMs = Math.round(IN_LINE_MS * (0.5 + Math.random()));
    await postponeStatement(this.database, first, delayMs);
    await this.later(entry, delayMs, deaths);
  }

  private async later(entry: TicketEntry, delayMs: number, deaths: number): Promise<void> {
    await this.tickets.addSuspects([entry], { delayMs, starts: deaths });
  }
}

/** Whether the one action that was applied has its end, now or from before. */
function hasEnded({ envelopes, known }: ApplyResult): boolean {
  return envelopes.length > 0 || known.length > 0;
}
