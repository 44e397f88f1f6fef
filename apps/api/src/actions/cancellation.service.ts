import { Injectable, Logger } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { ChannelsClient } from '#channels';
import { PROBLEMS, ProblemError, type Action, type Envelope } from '#contracts';
import { Database, isConflict } from '#database';
import { cancellableStatement, FinishedElsewhereError, Ledger, type EndableRow } from '#ledger';
import { TicketQueue } from '#queue';
import { counters } from '#telemetry';

const finishedCounts = counters('actions_finished', 'Actions that got their outcome', 'status', ['cancelled']);

/** How often a cancellation is tried that loses against other transactions, each within 4 s. */
const MOST_TRIES = 5;

/** Cancels actions that have no outcome yet; racing a worker, exactly one of the two wins. */
@Injectable()
export class CancellationService {
  private readonly logger = new Logger(CancellationService.name);
  readonly #publishing = new Set<Promise<void>>();

  constructor(
    private readonly database: Database,
    private readonly ledger: Ledger,
    private readonly channels: ChannelsClient,
    private readonly tickets: TicketQueue,
  ) {}

  /**
   * @returns the action with its outcome, and whether this call was what ended it
   * @throws {ProblemError} `NOT_FOUND`
   */
  async cancel(owner: string, id: string): Promise<{ action: Action; cancelled: boolean }> {
    const cancelled = await this.end(owner, id);
    const action = await this.ledger.find(owner, id);
    if (!action) throw new ProblemError('NOT_FOUND', 'You have no action of this id');
    return { action, cancelled };
  }

  private async end(owner: string, id: string, tries = MOST_TRIES): Promise<boolean> {
    const row = await cancellableStatement(this.database, owner, id);
    if (!row) return false;
    try {
      const envelopes = await this.database.transaction((sql) => this.ledger.finish(sql, [cancelledEnding(row)]));
      finishedCounts.cancelled.inc();
      // Neither is waited for: Redis may hang.
      this.publish(envelopes);
      // Whoever waited behind it on its resource may go on.
      void this.tickets.add('follow-up', [[id, row.resource_id]]);
      return true;
    } catch (error) {
      if (error instanceof FinishedElsewhereError) return false;
      // It lost against a transaction that ends others too: what that has left undone is seen by another look.
      if (isConflict(error) && tries > 1) return this.end(owner, id, tries - 1);
      throw error;
    }
  }

  /** What does not get through is found in the ledger by the receivers. */
  private publish(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) {
      const publishing = lastValueFrom(this.channels.emit<void>('outcome', envelope))
        .catch((error: unknown) => this.logger.warn(`a cancellation was not published: ${String(error)}`))
        .finally(() => this.#publishing.delete(publishing));
      this.#publishing.add(publishing);
    }
  }

  /** Resolves once what is cancelled is published or given up, for a process that is frozen when it has answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#publishing);
  }
}

function cancelledEnding(row: EndableRow) {
  const { title } = PROBLEMS.CANCELLED;
  const error = { code: 'CANCELLED', title, detail: title } as const;
  return { row, status: 'cancelled', attempts: row.attempts, response: null, error } as const;
}
