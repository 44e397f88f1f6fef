import { Injectable } from '@nestjs/common';
import { Database, isConflict } from '#database';
import { FinishedElsewhereError, Ledger, overdueStatement, type EndableRow } from '#ledger';
import { TicketQueue } from '#queue';
import { counter } from '#telemetry';
import { expiredEnding } from '../apply/endings.ts';
import { PublisherService } from '../apply/publisher.service.ts';

const expiredCount = counter('expired_actions', 'Actions that ended since their time was over');

/** Most actions that end at once. */
const BATCH = 200;

/** Ends actions whose time is over, Redis or not. */
@Injectable()
export class ExpiryService {
  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly publisher: PublisherService,
    private readonly tickets: TicketQueue,
  ) {}

  /** Ends all that are overdue now. */
  async expire(): Promise<void> {
    for (let rows = await this.overdue(); rows.length > 0; rows = rows.length < BATCH ? [] : await this.overdue()) {
      await this.end(rows);
    }
  }

  private overdue(): Promise<EndableRow[]> {
    return overdueStatement(this.database, BATCH);
  }

  private async end(rows: readonly EndableRow[]): Promise<void> {
    try {
      const endings = rows.map(expiredEnding);
      const envelopes = await this.database.transaction((sql) => this.ledger.finish(sql, endings));
      expiredCount.inc(rows.length);
      // Redis is not waited for: it may hang, and the next shall not.
      void this.publisher.publish(envelopes);
      // Whoever waited behind them on their resources may go on.
      void this.tickets.add(
        'follow-up',
        rows.map(({ id, resource_id }) => [id, resource_id] as const),
      );
    } catch (error) {
      if (!(error instanceof FinishedElsewhereError) && !isConflict(error)) throw error;
      // One of them was faster: the others one by one.
      if (rows.length > 1) for (const row of rows) await this.end([row]);
    }
  }
}
