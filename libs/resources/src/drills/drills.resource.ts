import { Injectable } from '@nestjs/common';
import { setTimeout as after } from 'node:timers/promises';
import type { Migrations, Sql } from '#database';
import { Database } from '#database';
import {
  Resource,
  type ActionToApply,
  type Applied,
  type Page,
  type PageRequest,
  type PerformContext,
  type Verb,
} from '../resource.ts';
import { Drill, RunDrill } from './drill.dto.ts';
import { drillsMigration } from './drills.migration.ts';
import { misbehave } from './faults.ts';

const APPLY = `
with effects as (
  insert into drill_effects (drill_id, action_id) select * from unnest($1::uuid[], $2::uuid[])
)
insert into drills as d (id, owner, version)
select id, owner, 1 from unnest($1::uuid[], $3::text[]) as i (id, owner)
on conflict (id) do update set version = d.version + 1
returning d.id, d.version`;

const COUNT_ATTEMPT = `
insert into drill_attempts as a (action_id, attempts) values ($1, 1)
on conflict (action_id) do update set attempts = a.attempts + 1
returning a.attempts`;

const LIST = `
select id, version from drills
where owner = $1 and ($2::text is null or id::text collate "C" < $2)
order by id desc limit $3`;
const GET = 'select id, version from drills where owner = $1 and id = $2';

/**
 * Actions that take time, report progress, or fail on purpose, in every way a handler can:
 * for trying out what the system makes of it. Not there in production.
 */
@Injectable()
export class DrillsResource extends Resource<Drill> {
  static override readonly isForTrials = true;

  readonly type = 'drills';
  readonly view = Drill;
  readonly migrations: Migrations = { '2026-11-23-drills': drillsMigration };

  constructor(private readonly database: Database) {
    super();
  }

  private readonly run: Verb<RunDrill> = {
    payload: RunDrill,
    perform: (action, context) => this.perform(action, context),
    apply: (sql, actions) => this.apply(sql, actions),
  };

  readonly create = this.run;
  override readonly edit = this.run;
  override readonly delete: Verb = { apply: (sql, actions) => this.apply(sql, actions) };

  async list(sql: Sql, reader: string, { after: last, limit }: PageRequest): Promise<Page<Drill>> {
    const rows = await sql.query<Drill>(LIST, [reader, last ?? null, limit + 1]);
    const data = rows.slice(0, limit);
    return { data, next: rows.length > limit ? data.at(-1)!.id : null };
  }

  async get(sql: Sql, reader: string, id: string): Promise<Drill | undefined> {
    const [row] = await sql.query<Drill>(GET, [reader, id]);
    return row;
  }

  private async perform({ id, payload }: ActionToApply<RunDrill>, { signal, progress }: PerformContext): Promise<void> {
    const steps = Math.ceil((payload.performMs ?? 0) / 100);
    for (let step = 0; step < steps; step += 1) {
      progress((100 * step) / steps, `step ${step + 1} of ${steps}`);
      await after(Math.min(100, payload.performMs ?? 0), undefined, { signal });
    }
    if (payload.inPerform === true && (await this.isFaulty(id, payload))) await misbehave(payload.fault!);
  }

  private async apply(sql: Sql, actions: ActionToApply<RunDrill>[]): Promise<Applied[]> {
    const responses = new Map<string, object>();
    for (const { id, payload } of actions) {
      if (payload.inPerform !== true && (await this.isFaulty(id, payload)))
        responses.set(id, await misbehave(payload.fault!));
    }
    const rows = await sql.query<Drill>(APPLY, [
      actions.map(({ resourceId }) => resourceId),
      actions.map(({ id }) => id),
      actions.map(({ owner }) => owner),
    ]);
    const versions = new Map(rows.map(({ id, version }) => [id, version]));
    return actions.map(({ id, resourceId }) => ({
      response: responses.get(id) ?? { id: resourceId, version: versions.get(resourceId)! },
    }));
  }

  /** Counted outside of the transaction that may be rolled back. */
  private async isFaulty(actionId: string, { fault, faultyAttempts = Infinity }: RunDrill): Promise<boolean> {
    if (!fault) return false;
    const [row] = await this.database.query<{ attempts: number }>(COUNT_ATTEMPT, [actionId]);
    return row!.attempts <= faultyAttempts;
  }
}
