import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LedgerCheck, privateRedis, startSystem, testDatabase, type System } from '#testing';

interface Diagnosis {
  code: number;
  output: string;
}

async function examine(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Diagnosis> {
  const run = promisify(execFile)(process.execPath, ['dist/apps/worker/src/doctor.js', ...args], {
    env: { ...process.env, NODE_ENV: 'test', ...env },
  });
  return run.then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, output: stdout + stderr }),
  );
}

let system: System;

beforeAll(async () => {
  system = await startSystem({ workers: 0, sockets: 0 });
});

// The servers of the tests are fast, not durable.
const DURABILITY = '✗ postgres durability: fsync off';

describe('the doctor', { timeout: 60_000 }, () => {
  it('finds what works, what is risky, and what is wrong, and says what to change', async () => {
    const env = { DATABASE_URL: system.database, REDIS_URL: system.redis.url };
    const { code, output } = await examine(env, `--api=${system.api.url}`);
    for (const finding of [
      '✓ node: v24',
      '✓ ws: 8.',
      '✓ postgres version: ',
      '✓ postgres isolation: read committed',
      '✓ postgres limits: transactions end after 4s',
      '✓ migrations: all ',
      '✓ ledger partitions: each row is in the partition of its day',
      '✓ postgres clock: ',
      '✓ redis version: ',
      '✓ redis memory: maxmemory 0, policy noeviction',
      '! redis password: it lets anyone in',
      '✓ redis clock: ',
      `✓ api: ${system.api.url} is ok`,
      DURABILITY,
      '→ turn them on: a crash may lose actions that were answered 202',
    ]) {
      expect(output).toContain(finding);
    }
    expect(output).toMatch(/\n\d+ ok, \d+ warnings, 1 errors\n$/);
    expect(code).toBe(1);
  });

  it('names an empty database, pools that are too large, a Redis that evicts, and an api that is not there', async () => {
    const [{ url }, redis] = await Promise.all([
      testDatabase(),
      privateRedis({ settings: ['--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru'] }),
    ]);
    const unprotected = { ALLOW_UNPROTECTED_REDIS: 'true', ALLOW_UNPROTECTED_POSTGRES: 'true' };
    const env = { DATABASE_URL: url, REDIS_URL: redis.url, NODE_ENV: 'production', ...unprotected };
    const { code, output } = await examine(env, '--processes=1000', '--api=http://127.0.0.1:1');
    expect(output).toContain('✗ migrations: the database lacks the migrations ');
    expect(output).toContain('✗ postgres connections: ');
    expect(output).toContain('✗ redis memory: maxmemory 104857600, policy allkeys-lru');
    expect(output).toContain('✗ redis password: it lets anyone in');
    expect(output).toContain('✗ api: http://127.0.0.1:1 does not answer');
    expect(code).toBe(1);
  });

  it('names limits that Postgres was not told of, since a pooler kept them to itself', async () => {
    const url = new URL(system.database);
    // Overrules what an app asks for.
    url.searchParams.set('options', '-c jit=on');
    const { code, output } = await examine({ DATABASE_URL: url.href, REDIS_URL: system.redis.url });
    expect(output).toMatch(/✗ postgres limits: .*transaction_timeout is 0, idle_in_transaction_session_timeout is 0,/);
    expect(output).toContain("transaction_timeout = '4s'");
    expect(code).toBe(1);
  });

  it('warns of rows that are in no partition of their day', async () => {
    const ledger = new LedgerCheck(system.database);
    onTestFinished(() => ledger.close());
    await ledger.query(
      `insert into events (id, channel, "offset", type, subject, created_at)
       values (uuidv7_at(now() + interval '1 year'), 'everyone', 1, 'x', 'x', now())`,
    );
    const { output } = await examine({ DATABASE_URL: system.database, REDIS_URL: system.redis.url });
    expect(output).toContain('! ledger partitions: rows are in events_default');
    expect(output).toContain('→ run "npm run migrate"');
  });

  it('says which server is away, and goes on with the other', async () => {
    const env = { DATABASE_URL: 'postgres://127.0.0.1:1/none', REDIS_URL: 'redis://127.0.0.1:1' };
    const { code, output } = await examine(env);
    expect(output).toContain('✗ postgres: Error: connect ECONNREFUSED');
    expect(output).toContain('✗ redis: Error: ');
    expect(code).toBe(1);
  });

  it('names what it does not understand', async () => {
    expect(await examine({})).toMatchObject({ code: 1, output: expect.stringContaining('DATABASE_URL') as string });
    const env = { DATABASE_URL: system.database, REDIS_URL: system.redis.url };
    expect(await examine(env, '--processes=none')).toEqual({
      code: 1,
      output: 'cannot start: --processes must be a number from 1\n',
    });
  });
});
