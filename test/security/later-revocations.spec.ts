import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Revocations, type Identity } from '#auth';
import { Database } from '#database';
import { eventually, startSystem } from '#testing';

let database: Database;
const instances: Revocations[] = [];

beforeAll(async () => {
  const { database: url } = await startSystem({ apis: 0, sockets: 0, workers: 0 });
  database = new Database({ url, poolSize: 4, applicationName: 'later-revocations.spec' });
});

afterEach(() => {
  for (const instance of instances.splice(0)) instance.beforeApplicationShutdown();
});

afterAll(() => database.onApplicationShutdown());

async function newInstance(): Promise<Revocations> {
  const revocations = new Revocations(database);
  instances.push(revocations);
  await revocations.onModuleInit();
  return revocations;
}

const issuedTo = (userId: string, at: number): Identity => ({
  userId,
  scopes: new Set(),
  tokenId: undefined,
  issuedAt: at / 1_000,
  expiresAt: 4_000_000_000,
});

describe('a revocation', () => {
  it('is of all tokens until then, each time anew', async () => {
    const [one, other] = [await newInstance(), await newInstance()];
    const first = Date.parse(await one.revoke('user', 'alice'));
    const second = await eventually(async () => {
      const again = Date.parse(await one.revoke('user', 'alice'));
      expect(again).toBeGreaterThanOrEqual(first + 1_000);
      return again;
    });
    const between = issuedTo('alice', second - 1);
    expect(one.isRevoked(between)).toBe(true);
    await eventually(() => expect(other.isRevoked(between)).toBe(true));
    expect(other.isRevoked(issuedTo('alice', second + 1_000))).toBe(false);
  });

  it('that is committed after a later one is not missed', async () => {
    const [one, other] = [await newInstance(), await newInstance()];
    await database.transaction(async (sql) => {
      await new Revocations(sql as unknown as Database).revoke('user', 'bob');
      const later = Date.parse(await one.revoke('user', 'carol'));
      await eventually(() => expect(other.isRevoked(issuedTo('carol', later))).toBe(true));
    });
    await eventually(() => expect(other.isRevoked(issuedTo('bob', 0))).toBe(true));
  });
});
