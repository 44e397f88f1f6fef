import { Injectable } from '@nestjs/common';
import { Database, isConflict } from '#database';
import {
  FinishedElsewhereError,
  Ledger,
  nextPieceStatement,
  overdueStatement,
  type BacklogPiece,
  type EndableRow,
} from '#ledger';
import { TicketQueue } from '#queue';
import { counter } from '#telemetry';
import { expiredEnding } from '../apply/endings.ts';
import { PublisherService } from '../apply/publisher.service.ts';

const expiredCount = counter('expired_actions', 'Actions that ended since their time was over');

/** Most actions that end at once. */
const BATCH = 200;

/** Most unfinished actions that one call looks at. */
const PIECE = 50_000;

/** How long one call may take, in milliseconds: a sweep waits meanwhile, in a transaction that lasts 4 s at most. */
const LONGEST_MS = 1_500;

/** Ends actions whose time is over, Redis or not. */
@Injectable()
export class ExpiryService {
  /** What was looked at last: a large backlog takes longer than one look may. */
  #piece: BacklogPiece | undefined;

  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly publisher: PublisherService,
    private readonly tickets: TicketQueue,
  ) {}

  /** Ends those that are overdue now; where very much is unfinished, or overdue, the next call goes on. */
  async expire(): Promise<void> {
    const deadline = performance.now() + LONGEST_MS;
    const piece = await nextPieceStatement(this.database, PIECE, this.#piece);
    for (let isMore = true; isMore;) {
      const rows = await overdueStatement(this.database, BATCH, piece);
      if (rows.length > 0) await this.end(rows);
      if (performance.now() > deadline) return;
      isMore = rows.length === BATCH;
    }
    this.#piece = piece;
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
