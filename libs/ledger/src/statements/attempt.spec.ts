import { v4 as uuidv4, v7 as uuidv7 } from 'uuid';
import { beforeAll, expect, it } from 'vitest';
import type { Database } from '#database';
import { ledgerDatabase } from '#testing';
import { forgetAttemptStatement, recordAttemptStatement, retryLaterStatement } from './attempt.ts';

const MOST = 5;
const FOR_MS = 60_000;

let database: Database;

beforeAll(async () => {
  database = await ledgerDatabase(2);
});

interface Taken {
  id: string;
  resource: string;
  attempts: () => Promise<number>;
}

async function accepted(): Promise<Taken> {
  const [id, resource] = [uuidv7(), uuidv4()];
  await database.query(
    `insert into actions (id, seq, owner, type, resource_id, submitted_at, expires_at)
     values ($1, nextval('action_seq'), 'alice', 'messages.edit', $2, now(), now() + interval '1 day')`,
    [id, resource],
  );
  const attempts = async (): Promise<number> => {
    const [row] = await database.query<{ attempts: number }>('select attempts from actions where id = $1', [id]);
    return row!.attempts;
  };
  return { id, resource, attempts };
}

const record = ({ resource, id }: Taken) => recordAttemptStatement(database, resource, id, MOST, FOR_MS);

/** An action that two workers have taken up, the first of which was frozen for long: both have recorded an attempt. */
async function takenUpTwice(): Promise<Taken> {
  const taken = await accepted();
  expect(await record(taken)).toMatchObject({ attempt: 1 });
  await database.query('update actions set run_at = clock_timestamp() where id = $1', [taken.id]);
  expect(await record(taken)).toMatchObject({ attempt: 2 });
  return taken;
}

it('an attempt that was counted keeps others away, until it has failed or is taken back', async () => {
  const taken = await accepted();
  await record(taken);
  const second = await record(taken);
  expect(second!.attempt).toBeNull();
  expect(second!.waitMs).toBeGreaterThan(FOR_MS / 2);
  await forgetAttemptStatement(database, taken.id);
  expect(await record(taken)).toMatchObject({ attempt: 1, waitMs: 0 });
});

it('an attempt that could not start does not count, also when two workers meet at it', async () => {
  const { id, attempts } = await takenUpTwice();
  await forgetAttemptStatement(database, id);
  await forgetAttemptStatement(database, id);
  expect(await attempts()).toBe(0);
});

it('an attempt that failed counts, and not that of who could not start meanwhile', async () => {
  const { id, attempts } = await takenUpTwice();
  await retryLaterStatement(database, id, 60_000);
  await forgetAttemptStatement(database, id);
  expect(await attempts()).toBe(1);
});

it('an attempt that is run twice, by two tickets, counts once', async () => {
  const { id, attempts } = await accepted();
  expect(await retryLaterStatement(database, id, 60_000, 1)).toBe(true);
  expect(await retryLaterStatement(database, id, 0, 1)).toBe(false);
  expect(await attempts()).toBe(1);
  expect(await retryLaterStatement(database, id, 60_000, 2)).toBe(true);
  expect(await attempts()).toBe(2);
});
