import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { LedgerCheck, migrate, privatePostgres, privateRedis, startSystem, testDatabase, type System } from '#testing';

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

/** What looks like an app that says this of itself. */
async function appThatSays(health: object): Promise<string> {
  const server = createServer((_, response) => response.end(JSON.stringify(health))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
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
      '! redis persistence: no append-only file',
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

  it('names settings of the servers under which they lose or refuse something, and apps that are not well', async () => {
    const url = new URL(system.database);
    const settings = {
      default_transaction_isolation: 'serializable',
      default_transaction_read_only: 'on',
      statement_timeout: '7999',
      synchronous_commit: 'off',
    };
    url.searchParams.set(
      'options',
      Object.entries(settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    );
    const redis = await privateRedis();
    const admin = new Redis(redis.url);
    onTestFinished(() => admin.disconnect());
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))![1]);
    await admin.config('SET', 'maxmemory', String(Math.round(used * 1.1)));
    await admin.config('SET', 'requirepass', 'secret');
    const [api, socket] = [
      await appThatSays({ status: 'degraded', checks: { postgres: 'ok', redis: 'failed' } }),
      await appThatSays({ status: 'down', checks: { postgres: 'failed', redis: 'ok' } }),
    ];
    const env = { DATABASE_URL: url.href, REDIS_URL: redis.url.replace('://', '://:secret@') };
    const { code, output } = await examine(env, `--api=${api}`, `--socket=${socket}`);
    for (const finding of [
      '✗ postgres durability: fsync off, full_page_writes on, synchronous_commit off',
      '✗ postgres isolation: serializable',
      '✗ postgres role: is read-only',
      '! postgres statement_timeout: 7999 ms',
      '! redis memory: ',
      '✓ redis persistence: append-only file',
      '✓ redis password: strangers are refused',
      `! api: ${api} is degraded: redis failed`,
      `✗ socket: ${socket} is down: postgres failed`,
    ]) {
      expect(output).toContain(finding);
    }
    expect(code).toBe(1);
  });

  it('finds nothing wrong in servers that are well, and warns when they are nearly full', async () => {
    const [postgres, redis] = await Promise.all([
      privatePostgres({ durable: true, settings: { max_connections: '10' } }),
      privateRedis(),
    ]);
    await migrate(postgres.url);
    const clients = Array.from({ length: 5 }, () => new pg.Client(postgres.url));
    for (const client of clients) await client.connect();
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.end()))));
    const env = { REDIS_URL: redis.url, DATABASE_POOL_SIZE: '7' };
    const full = await examine({ ...env, DATABASE_URL: postgres.url }, '--processes=1');
    expect(full.output).toMatch(/! postgres connections: 7 for 1 processes of 7 each, [67] in use/);
    expect(full.output).toContain('✓ postgres durability: fsync on, full_page_writes on, synchronous_commit on');
    expect(full.output).toMatch(/\n\d+ ok, 2 warnings, 0 errors\n$/);
    expect(full.code).toBe(0);
    const options = '?options=-c%20synchronous_commit%3Doff';
    const { code, output } = await examine({ ...env, DATABASE_URL: postgres.url + options }, '--processes=2');
    expect(output).toContain('✗ postgres durability: fsync on, full_page_writes on, synchronous_commit off');
    expect(output).toContain('✗ postgres connections: ');
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
