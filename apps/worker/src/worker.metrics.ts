import { Injectable } from '@nestjs/common';
import { Database } from '#database';
import { backlogStatement, type Backlog } from '#ledger';
import { TicketQueue } from '#queue';
import { gaugeOf, gaugesOf } from '#telemetry';

/** How long an answer counts as fresh, in milliseconds: one question for all that a scrape asks for. */
const FRESH_MS = 1_000;

/** Tells monitors of the ledger and the queue. They are the same for all workers: take the largest. */
@Injectable()
export class WorkerMetrics {
  #backlog: Promise<Backlog | undefined> | undefined;

  constructor(
    private readonly database: Database,
    tickets: TicketQueue,
  ) {
    gaugeOf('ledger_backlog_actions', 'Unfinished actions in the ledger, 100,000 at most', async () => {
      return (await this.backlog())?.pending;
    });
    gaugeOf('ledger_backlog_oldest_seconds', 'Age of the oldest unfinished action', async () => {
      const backlog = await this.backlog();
      return backlog === undefined ? undefined : backlog.oldestPendingMs / 1_000;
    });
    gaugesOf('tickets', 'Tickets in BullMQ', 'state', async () => {
      const counts = await tickets.counts();
      return counts ? { ...counts } : undefined;
    });
  }

  /** Nothing while Postgres is away. */
  private backlog(): Promise<Backlog | undefined> {
    if (!this.#backlog) {
      this.#backlog = backlogStatement(this.database).catch(() => undefined);
      setTimeout(() => (this.#backlog = undefined), FRESH_MS).unref();
    }
    return this.#backlog;
  }
}
