import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { ActionCatalogue } from '#actions';
import { Revocations } from '#auth';
import { ApiConfig } from '#config';
import { Database, type Transaction } from '#database';
import {
  becomeEraserStatement,
  eraseActionsStatements,
  eraseEventsStatement,
  eventRangesStatement,
  unfinishedOfOwnerStatement,
} from '#ledger';
import { CancellationService } from '../actions/cancellation.service.ts';
import type { ErasureView } from './inspection.dto.ts';

/** Most actions that are cancelled before the next look. */
const BATCH = 200;

/** Erases users: what they wrote goes, and the channels of others stay whole. */
@Injectable()
export class ErasureService implements OnApplicationShutdown {
  private readonly logger = new Logger(ErasureService.name);
  /** For what takes longer than an app usually has: all that is kept is read. Connects when it is used. */
  readonly #patient: Database;

  constructor(
    private readonly database: Database,
    private readonly catalogue: ActionCatalogue,
    private readonly cancellations: CancellationService,
    private readonly revocations: Revocations,
    { DATABASE_URL }: ApiConfig,
  ) {
    this.#patient = new Database({
      url: DATABASE_URL,
      poolSize: 1,
      applicationName: 'tidings-api-erasure',
      isPatient: true,
    });
  }

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
    let events = 0;
    for (const range of await eventRangesStatement(this.#patient))
      events += await this.asEraser((sql) => eraseEventsStatement(sql, user, range));
    const actions = await this.asEraser(async (sql) => {
      for (const resource of this.catalogue.resources) await resource.erase?.(sql, user);
      return eraseActionsStatements(sql, user);
    });
    this.logger.log({ msg: 'a user was erased', cancelled, actions, events });
    return { cancelled, actions, events };
  }

  private asEraser<Result>(work: (sql: Transaction) => Promise<Result>): Promise<Result> {
    return this.#patient.transaction(async (sql) => {
      await becomeEraserStatement(sql);
      return work(sql);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#patient.onApplicationShutdown();
  }
}
