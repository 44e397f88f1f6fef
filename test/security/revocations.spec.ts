import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { Revocations } from '#auth';
import { Database } from '#database';
import { eventually, migrate, testDatabase } from '#testing';

/** Most rows that a statement may read, however many there are: the server ends what takes longer than 4 s. */
const MOST_AT_ONCE = 10_000;

let database: Database;
let revocations: Revocations;
/** How many rows each statement has read. */
let read: number[];
let isAway: boolean;

beforeAll(async () => {
  const { url } = await testDatabase({ name: 'revocations.spec', migrate });
  database = new Database({ url, poolSize: 2, applicationName: 'revocations.spec' });
});

beforeEach(async () => {
  await database.query('delete from revocations');
  read = [];
  isAway = false;
  revocations = new Revocations({ query } as unknown as Database);
});

afterEach(() => revocations.beforeApplicationShutdown());

afterAll(() => database.onApplicationShutdown());

async function query(text: string, values: readonly unknown[]): Promise<unknown[]> {
  if (isAway) throw new Error('connect ECONNREFUSED');
  const rows = await database.query(text, values);
  read.push(rows.length);
  return rows;
}

/** Revokes one token after the other, by another instance. */
async function revokeElsewhere(count: number): Promise<void> {
  const rows = `select 'token', 'token-' || n, now() - make_interval(secs => 60 + ($1 - n) * 0.0001)
    from generate_series(1, $1::integer) n`;
  await database.query(`insert into revocations (kind, subject, revoked_at) ${rows}`, [count]);
}

const isRevoked = (tokenId: string): boolean =>
  revocations.isRevoked({ userId: 'alice', scopes: new Set(), tokenId, issuedAt: 1, expiresAt: 4_000_000_000 });

it('all that there ever were are known to an app that starts, and none of its statements reads very many', async () => {
  const count = 2.5 * MOST_AT_ONCE;
  await revokeElsewhere(count);
  await revocations.onModuleInit();
  const unknown = Array.from({ length: count }, (_, index) => `token-${index + 1}`).filter(
    (token) => !isRevoked(token),
  );
  expect(unknown).toEqual([]);
  expect(Math.max(...read)).toBeLessThanOrEqual(MOST_AT_ONCE);
});

it('those of before are known to an app that started without Postgres, also after one of its own', async () => {
  await revokeElsewhere(1);
  isAway = true;
  await revocations.onModuleInit();
  expect(isRevoked('token-1')).toBe(false);
  isAway = false;
  await revocations.revoke('token', 'token-of-its-own');
  await eventually(() => expect(isRevoked('token-1')).toBe(true));
  expect(isRevoked('token-of-its-own')).toBe(true);
});
