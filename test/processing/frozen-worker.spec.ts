import { randomUUID } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { atEndOfFile, eventually, LedgerCheck, startSystem, type System, type TestUser } from '#testing';
import { drill, drills, submitAll } from './drills.ts';

/** "Within seconds". */
const SECONDS_MS = 15_000;

interface Scene {
  system: System;
  ledger: LedgerCheck;
  alice: TestUser;
}

/** A system without workers. */
async function start(): Promise<Scene> {
  const system = await startSystem({ sockets: 0, workers: 0 });
  const ledger = new LedgerCheck(system.database);
  atEndOfFile(() => ledger.close());
  return { system, ledger, alice: await system.user('alice') };
}

/** A way to Postgres that can be cut: what is sent is lost, and nobody is told. */
async function cuttable(url: string): Promise<{ url: string; cut: () => void; close: () => void }> {
  const target = new URL(url);
  const port = Number(target.port);
  const open: Socket[] = [];
  const server = createServer((client) => {
    const postgres = connect(port, '127.0.0.1');
    open.push(client, postgres);
    for (const socket of [client, postgres]) socket.on('error', () => undefined);
    client.pipe(postgres).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  target.port = String((server.address() as { port: number }).port);
  const cut = (): void => {
    for (const socket of open) socket.unpipe().pause();
  };
  const close = (): void => {
    for (const socket of open) socket.destroy();
    server.close();
  };
  return { url: target.href, cut, close };
}

/** Waits until a transaction has written its outcomes, and has not committed. */
async function inTransaction(ledger: LedgerCheck): Promise<void> {
  await eventually(
    async () => {
      const rows = await ledger.query(
        `select from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
      );
      expect(rows.length).toBeGreaterThan(0);
    },
    { everyMs: 1, timeoutMs: 10_000 },
  );
}

describe.concurrent('a worker that freezes', () => {
  it('while it performs, beyond its lock and its lease, has its effect once', async () => {
    const { system, ledger, alice } = await start();
    const frozen = await system.add('worker');
    await submitAll(alice, drills(20, { performMs: 1_000 }));
    await eventually(async () => {
      const [row] = await ledger.query<{ running: number }>(
        `select count(*)::integer as running from actions where status = 'running'`,
      );
      expect(row!.running).toBe(20);
    });
    await frozen.kill('SIGSTOP');
    await system.add('worker');
    // Its lock and its leases are over: another has taken all of it.
    await ledger.settled(30_000);
    await frozen.kill('SIGCONT');
    // They stop when they have nothing left to do: what the late one did must have changed nothing.
    await Promise.all(system.workers.map((worker) => worker.stop()));
    expect(await ledger.report()).toEqual({ ended: { succeeded: 20 }, violations: [] });
  }, 60_000);

  it.for(['stopped', 'cut off'] as const)(
    '%s in its transaction keeps neither strangers nor other actions of the owner waiting for long',
    { timeout: 60_000 },
    async (how) => {
      const { system, ledger, alice } = await start();
      const way = await cuttable(system.database);
      const victim = await system.add('worker', { DATABASE_URL: way.url });
      const resource = randomUUID();
      // A handler that hangs keeps its transaction open, with what the turn before has written.
      const [held] = await submitAll(alice, [
        drill({}, resource),
        drill({ fault: 'hang', faultyAttempts: 1 }, resource),
      ]);
      await inTransaction(ledger);
      if (how === 'stopped') await victim.kill('SIGSTOP');
      else way.cut();
      await system.add('worker');
      const startedAt = performance.now();
      const others = await submitAll(alice, drills(30));
      await submitAll(await system.user('bob'), drills(30));
      await eventually(
        async () => {
          const rows = await ledger.query(`select from actions where id = any($1) and status = 'succeeded'`, [
            [held!.id, ...others.map(({ id }) => id)],
          ]);
          expect(rows).toHaveLength(31);
        },
        { timeoutMs: SECONDS_MS },
      );
      expect(performance.now() - startedAt).toBeLessThan(SECONDS_MS);
      await victim.kill('SIGCONT');
      await ledger.settled(20_000);
      expect((await ledger.report()).violations).toEqual([]);
      way.close();
      await Promise.all(system.workers.map((worker) => worker.kill()));
    },
  );
});
