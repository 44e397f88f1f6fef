import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Database } from '#database';
import { eventually } from '#testing';
import type { Identity } from './identity.ts';
import { Revocations } from './revocations.ts';

const REVOKED_AT = '2026-11-28T12:00:00.500Z';
const OF_ALICE = { kind: 'user', subject: 'alice', revoked_at: REVOKED_AT };
const OF_TOKEN = { kind: 'token', subject: 'token-1', revoked_at: REVOKED_AT };

function identity(given: Partial<Identity> = {}): Identity {
  const expiresAt = 4_000_000_000;
  return { userId: 'alice', scopes: new Set(), tokenId: undefined, issuedAt: 0, expiresAt, ...given };
}

let revocations: Revocations;

function setUp() {
  const query = vi.fn<() => Promise<unknown[]>>(() => Promise.resolve([]));
  revocations = new Revocations({ query } as unknown as Database);
  return { query };
}

afterEach(() => {
  revocations.beforeApplicationShutdown();
  vi.useRealTimers();
});

describe('a token', () => {
  const second = Math.floor(Date.parse(REVOKED_AT) / 1_000);

  it.each([
    ['issued before its user was revoked', { issuedAt: second - 1 }, true],
    ['issued in the same second', { issuedAt: second }, true],
    ['issued later', { issuedAt: second + 1 }, false],
    ['that does not say when', { issuedAt: 0 }, true],
    ['of another user', { userId: 'bob', issuedAt: second - 1 }, false],
    ['of another user that does not say when', { userId: 'bob', issuedAt: 0 }, false],
    ['that was revoked itself', { userId: 'bob', tokenId: 'token-1' }, true],
    ['beside one that was revoked', { userId: 'bob', tokenId: 'token-2' }, false],
  ])('%s', async (_, given, isRevoked) => {
    setUp().query.mockResolvedValue([OF_ALICE, OF_TOKEN]);
    await revocations.onModuleInit();
    expect(revocations.isRevoked(identity(given))).toBe(isRevoked);
  });
});

describe('an app that starts', () => {
  it('waits until it knows what is revoked', async () => {
    const { query } = setUp();
    const answer = Promise.withResolvers<unknown[]>();
    query.mockReturnValueOnce(answer.promise);
    let isReady = false;
    const ready = revocations.onModuleInit().then(() => (isReady = true));
    await eventually(() => expect(query).toHaveBeenCalled());
    expect(isReady).toBe(false);
    answer.resolve([OF_ALICE]);
    await ready;
    expect(revocations.isRevoked(identity())).toBe(true);
  });

  it.each([
    ['is away', () => Promise.reject(new Error('connect ECONNREFUSED'))],
    ['hangs', () => new Promise<never>(() => undefined)],
  ])('does so all the same when Postgres %s', async (_, look) => {
    const { query } = setUp();
    query.mockImplementationOnce(look);
    await revocations.onModuleInit();
    expect(revocations.isRevoked(identity())).toBe(false);
  });
});

describe('a process that was frozen', () => {
  it('looks before it lets anyone in, once for all who come', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
    const { query } = setUp();
    await revocations.onModuleInit();
    await revocations.refresh();
    expect(query).toHaveBeenCalledOnce();
    query.mockResolvedValue([OF_ALICE]);
    vi.setSystemTime(Date.now() + 60_000);
    await Promise.all([revocations.refresh(), revocations.refresh()]);
    expect(query).toHaveBeenCalledTimes(2);
    expect(revocations.isRevoked(identity())).toBe(true);
  });

  it('looks once more when its connection has ended meanwhile, and not for each that comes while Postgres is away', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout'] });
    const { query } = setUp();
    await revocations.onModuleInit();
    vi.setSystemTime(Date.now() + 60_000);
    query.mockRejectedValueOnce(new Error('Connection terminated')).mockResolvedValueOnce([OF_ALICE]);
    await revocations.refresh();
    expect(revocations.isRevoked(identity())).toBe(true);
    vi.setSystemTime(Date.now() + 60_000);
    query.mockClear().mockRejectedValue(new Error('connect ECONNREFUSED'));
    for (let comer = 0; comer < 5; comer += 1) await revocations.refresh();
    expect(query).toHaveBeenCalledTimes(2);
  });
});
