import { Injectable, Logger } from '@nestjs/common';
import { WorkerConfig } from '#config';
import type { Envelope } from '#contracts';
import { Database, isUnavailable } from '#database';
import { countAttemptStatement, Ledger, retryLaterStatement, stopPerformingStatement } from '#ledger';
import { TicketQueue, type TicketEntry } from '#queue';
import { PermanentError } from '#resources';
import { counter, traceIdOf } from '#telemetry';
import { HandlerError } from './handlers.ts';
import { failedEnding } from './endings.ts';

const failedCount = counter('attempts_failed', 'Attempts of handlers that failed');

/** Longest time between two attempts, in milliseconds. */
const LONGEST_BACKOFF_MS = 60_000;

/** The longest time for which an action that is to be performed once more keeps its ticket, in milliseconds. */
const SOON_MS = 1_000;

/** A ticket that came before its retry is due would be in vain: the clocks of servers differ. */
const TICKET_MARGIN_MS = 10;

/** SQLSTATE classes that say: the same statement will fail again (data, constraint, syntax). */
const HOPELESS = /^(22|23|42)[0-9A-Z]{3}$/;

/** What follows when a handler has failed. */
export interface FailureResult {
  /** To publish. */
  envelopes: Envelope[];
  /** A retry has a ticket of its own, which goes on with what stands behind it. */
  isRetried: boolean;
}

/** Decides what follows when a handler has failed on an action alone: a retry, or the end. */
@Injectable()
export class FailureService {
  private readonly logger = new Logger(FailureService.name);

  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly tickets: TicketQueue,
    private readonly config: WorkerConfig,
  ) {}

  /**
   * Counts the attempt and puts the action back for later, or ends it as `failed`.
   *
   * @param recorded the number of the attempt, when it is counted already
   * @param behind those which this process has started to perform behind it: they are put back as they were
   */
  async handle(
    error: HandlerError,
    entry: TicketEntry,
    { recorded, behind = [] }: { recorded?: number | undefined; behind?: readonly string[] } = {},
  ): Promise<FailureResult> {
    const [row] = error.rows;
    // First of all: who goes on with them has its retry, or its end.
    if (behind.length > 0) await stopPerformingStatement(this.database, behind);
    const attempts = recorded ?? row!.attempts + 1;
    this.tell(error, attempts);
    if (attempts < this.config.MAX_ATTEMPTS && canRetryHelp(error.cause)) {
      const delay = this.backoff(attempts);
      const counted = recorded === undefined ? attempts : undefined;
      // Where the answer is lost, too: it may be put back, and nobody else sees to it then.
      let isRetried = true;
      try {
        isRetried = await retryLaterStatement(this.database, row!.id, delay, counted);
      } finally {
        if (isRetried) void this.tickets.add(row!.type, [entry], { delayMs: delay + TICKET_MARGIN_MS });
      }
      return { envelopes: [], isRetried };
    }
    const code = canRetryHelp(error.cause) ? 'ATTEMPTS_EXHAUSTED' : 'HANDLER_FAILED';
    const ending = failedEnding(row!, code, attempts);
    return { envelopes: await this.database.transaction((sql) => this.ledger.finish(sql, [ending])), isRetried: false };
  }

  /**
   * Counts an attempt to perform, if it is tried again soon: it waits for that where it is then.
   *
   * @returns after how many milliseconds
   */
  async retryAtOnce(error: HandlerError): Promise<number | undefined> {
    const { id, attempts } = error.rows[0]!;
    const delay = this.backoff(attempts + 1);
    if (attempts + 1 >= this.config.MAX_ATTEMPTS || !canRetryHelp(error.cause) || delay > SOON_MS) return undefined;
    if (!(await this.count(id, attempts + 1))) return undefined;
    this.tell(error, attempts + 1);
    return delay;
  }

  /** Once more where the answer is lost: else it would be left to those who come when its lease is over. */
  private async count(id: string, attempt: number): Promise<boolean> {
    try {
      return await countAttemptStatement(this.database, id, attempt);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      return countAttemptStatement(this.database, id, attempt, true);
    }
  }

  private tell(error: HandlerError, attempts: number): void {
    const { id, type, traceparent } = error.rows[0]!;
    failedCount.inc();
    this.logger.warn({
      msg: `attempt ${attempts} of ${type} ${id} failed: ${error.reason}`,
      actionId: id,
      traceId: traceIdOf(id, traceparent),
    });
  }

  /** Exponential, with half of it jitter. */
  private backoff(attempts: number): number {
    const longest = Math.min(this.config.RETRY_BACKOFF_MS * 2 ** (attempts - 1), LONGEST_BACKOFF_MS);
    return Math.round(longest * (0.5 + Math.random() / 2));
  }
}

function canRetryHelp(cause: unknown): boolean {
  if (cause instanceof PermanentError) return false;
  return !(cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && HOPELESS.test(cause.code));
}
