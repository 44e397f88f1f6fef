import { Injectable } from '@nestjs/common';
import { ActionCatalogue, ActionsService } from '#actions';
import { ProblemError, type AcceptedAction } from '#contracts';
import { Database } from '#database';
import {
  inspectActionsStatement,
  inspectActionStatement,
  recordRetryStatement,
  toAction,
  type InspectedRow,
  type InspectionFilter,
} from '#ledger';
import type { InspectedAction } from './inspection.dto.ts';

/** Lets operators see the actions of all users, and try failed ones again. */
@Injectable()
export class InspectionService {
  constructor(
    private readonly database: Database,
    private readonly actions: ActionsService,
    private readonly catalogue: ActionCatalogue,
  ) {}

  async list(filter: InspectionFilter): Promise<InspectedAction[]> {
    return (await inspectActionsStatement(this.database, filter)).map(toView);
  }

  /** @throws {ProblemError} `NOT_FOUND` */
  async get(id: string): Promise<InspectedAction> {
    return toView(await this.read(id));
  }

  /**
   * Submits an action again for its owner. Its outcome stays what it is, for outcomes are final;
   * the owner hears of another action. Asked twice, it is one all the same.
   *
   * @throws {ProblemError} `NOT_FOUND`; `VALIDATION_FAILED` unless it failed or expired, or when it was erased
   */
  async retry(id: string, operator: string): Promise<AcceptedAction> {
    const row = await this.read(id);
    if (row.status !== 'failed' && row.status !== 'expired') {
      throw new ProblemError('VALIDATION_FAILED', `Only what failed or expired is tried again: it is ${row.status}`);
    }
    const { handler } = this.catalogue.get(row.type);
    if (handler.payload && row.payload === null) {
      throw new ProblemError('VALIDATION_FAILED', 'It cannot be tried again: its owner was erased, and what it said');
    }
    const { action } = await this.actions.submit(
      { userId: row.owner, scopes: new Set(handler.scope === undefined ? [] : [handler.scope]) },
      {
        type: row.type,
        resourceId: row.resource_id,
        payload: row.payload ?? undefined,
        idempotencyKey: `retry-of-${id}`,
        ...(row.if_match !== null && { ifMatch: String(row.if_match) }),
        ...(row.traceparent !== null && { traceparent: row.traceparent }),
      },
    );
    await recordRetryStatement(this.database, id, action.id, operator);
    return action;
  }

  private async read(id: string): Promise<InspectedRow> {
    const row = await inspectActionStatement(this.database, id);
    if (!row) throw new ProblemError('NOT_FOUND', 'There is no action of this id');
    return row;
  }
}

function toView(row: InspectedRow): InspectedAction {
  return {
    ...toAction(row),
    owner: row.owner,
    payload: row.payload,
    ifMatch: row.if_match,
    traceparent: row.traceparent,
    expiresAt: row.expires_at,
    runAt: row.run_at,
    retryOf: row.retry_of,
    retriedBy: row.retried_by,
  };
}
