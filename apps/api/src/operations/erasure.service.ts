import { Injectable, Logger } from '@nestjs/common';
import { ActionCatalogue } from '#actions';
import { Revocations } from '#auth';
import { Database } from '#database';
import { eraseActionsStatements, eraseEventsStatements, unfinishedOfOwnerStatement } from '#ledger';
import { CancellationService } from '../actions/cancellation.service.ts';
import type { ErasureView } from './inspection.dto.ts';

/** Most actions that are cancelled before the next look. */
const BATCH = 200;

/** Erases users: what they wrote goes, and the channels of others stay whole. */
@Injectable()
export class ErasureService {
  private readonly logger = new Logger(ErasureService.name);

  constructor(
    private readonly database: Database,
    private readonly catalogue: ActionCatalogue,
    private readonly cancellations: CancellationService,
    private readonly revocations: Revocations,
  ) {}

  /** May be done again: then there is nothing left. Each step stands for itself, should it end half-way. */
  async erase(user: string): Promise<ErasureView> {
    // Nothing new comes from them, and nobody listens in their name.
    await this.revocations.revoke('user', user);
    let cancelled = 0;
    for (;;) {
      const rows = await unfinishedOfOwnerStatement(this.database, user, BATCH);
      if (rows.length === 0) break;
      for (const { id } of rows) if ((await this.cancellations.cancel(user, id)).cancelled) cancelled += 1;
    }
    const events = await eraseEventsStatements(this.database, user);
    const actions = await this.database.transaction(async (sql) => {
      for (const resource of this.catalogue.resources) await resource.erase?.(sql, user);
      return eraseActionsStatements(sql, user);
    });
    this.logger.log({ msg: 'a user was erased', cancelled, actions, events });
    return { cancelled, actions, events };
  }
}
