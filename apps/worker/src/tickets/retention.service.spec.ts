import { Logger } from '@nestjs/common';
import { beforeEach, expect, it } from 'vitest';
import type { ActionCatalogue } from '#actions';
import { WorkerConfig } from '#config';
import type { Database, Sql } from '#database';
import { ledgerDatabase } from '#testing';
import { RetentionService } from './retention.service.ts';

Logger.overrideLogger(false);

const RETENTION_DAYS = 2;

let database: Database;

beforeEach(async () => {
  database = await ledgerDatabase(3);
});

/** Of resources that tidy like this. */
function retention(...tidies: ((sql: Sql) => Promise<boolean>)[]): RetentionService {
  const resources = tidies.map((tidy, index) => ({ type: `resource ${index}`, tidy }));
  const config = Object.assign(new WorkerConfig(), { RETENTION_DAYS });
  return new RetentionService(database, { resources } as unknown as ActionCatalogue, config);
}

/** When it is due again, in seconds. */
async function dueIn(): Promise<number> {
  const [row] = await database.query<{ seconds: number }>(
    'select extract(epoch from due_at - clock_timestamp())::double precision as seconds from retention_turn',
  );
  return row!.seconds;
}

const makeDue = () => database.query(`update retention_turn set due_at = '-infinity'`);

/** @returns the names of the partitions of that day */
async function addDay(daysAgo: number): Promise<string[]> {
  const [row] = await database.query<{ suffix: string }>(
    `select to_char(current_date - $1::integer, 'YYYYMMDD') as suffix, create_ledger_day('actions', current_date - $1, 0),
       create_ledger_day('events', current_date - $1, 0)`,
    [daysAgo],
  );
  return [`actions_${row!.suffix}`, `events_${row!.suffix}`];
}

async function partitions(): Promise<string[]> {
  const rows = await database.query<{ name: string }>('select inhrelid::regclass::text as name from pg_inherits');
  return rows.map(({ name }) => name);
}

it('events of all days gone by are dropped at once, actions as long after they were found to have ended', async () => {
  const days = [await addDay(9), await addDay(8)];
  await retention().run();
  const first = await partitions();
  for (const [actions, events] of days) {
    expect(first).toContain(actions);
    expect(first).not.toContain(events);
  }
  await database.query('update ended_days set ended_on = ended_on - $1::integer - 1', [RETENTION_DAYS]);
  await makeDue();
  await retention().run();
  const second = await partitions();
  for (const [actions] of days) expect(second).not.toContain(actions);
});

it('one worker does it, once an hour', async () => {
  let runs = 0;
  const tidy = (): Promise<boolean> => Promise.resolve((runs += 1) === 0);
  await Promise.all(Array.from({ length: 3 }, () => retention(tidy).run()));
  await retention(tidy).run();
  expect(runs).toBe(1);
  expect(await dueIn()).toBeGreaterThan(3_000);
});

it('resources tidy until all is done', async () => {
  const left = [true, true, false];
  await retention(() => Promise.resolve(left.shift()!)).run();
  expect(left).toEqual([]);
});

it('what could not be tidied is tried again soon, and keeps nothing from being dropped', async () => {
  const [, events] = await addDay(9);
  await retention(() => Promise.reject(new Error('broken'))).run();
  expect(await partitions()).not.toContain(events);
  expect(await dueIn()).toBeLessThanOrEqual(60);
});

it('whoever holds a table is given way to, and it is tried again soon', async () => {
  const [, events] = await addDay(9);
  await database.transaction(async (reader) => {
    await reader.query('select from events');
    await expect(retention().run()).rejects.toMatchObject({ code: '55P03' });
  });
  expect(await partitions()).toContain(events);
  expect(await dueIn()).toBeLessThanOrEqual(60);
});
