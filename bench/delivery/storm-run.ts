import { setTimeout as delay } from 'node:timers/promises';
import { userChannel } from '#contracts';
import { LedgerCheck } from '../../libs/testing/src/ledger-check.ts';
import { makeUpEvents } from '../../test/delivery/made-up-events.ts';
import { percentile } from '../processing/figure.ts';
import { ProcessTimes } from '../side-by-side/processes.ts';
import { RawClient } from './raw-client.ts';
import { tokenOf, type BenchSystem } from './system.ts';

const MISSED = 20;
const COMMITS = `select xact_commit::integer as commits from pg_stat_database where datname = current_database()`;

/** Connected at once while the storm is prepared. */
const CHUNK = 100;

/** The longest until all are complete, in milliseconds. */
const COMPLETE_WITHIN_MS = 120_000;

/** Backends report what they did a second after it at the latest, when they are idle. */
const REPORTED_AFTER_MS = 1_500;

export interface StormRun {
  clients: number;
  /** Clients that heard all they had missed, once and in order, and were told that they had. */
  complete: number;
  /** From the death of the gateway until all were. */
  tookMs: number;
  /** From the connection of a client to its last missed event. */
  replayMs: { p50: number; p99: number };
  queries: number;
  cpuMs: CpuShares;
}

/** CPU time of those that share the machine, in milliseconds. */
interface CpuShares {
  /** The gateway that took the clients in. */
  gateway: number;
  postgres: number;
  /** The clients themselves. */
  clients: number;
}

/** Kills a gateway that holds all clients; they go to the other one with the cursors they have. */
export async function runStorm(system: BenchSystem, clients: number): Promise<StormRun> {
  const { api, worker, sockets, database } = system;
  const [from, to] = sockets;
  const ledger = new LedgerCheck(database);
  const users = Array.from({ length: clients }, (_, index) => `storm-${index}`);
  const connected: RawClient[] = [];
  for (let start = 0; start < clients; start += CHUNK) {
    const chunk = users.slice(start, start + CHUNK);
    connected.push(
      ...(await Promise.all(chunk.map(async (user) => new RawClient(from!.url, await tokenOf(user)).connect()))),
    );
  }
  // Their queries are not those of the storm.
  await Promise.all([api.kill(), worker.kill()]);
  await from!.kill('SIGSTOP');
  await makeUpEvents(ledger, users.map(userChannel), 1, MISSED);
  for (const client of connected) client.url = to!.url;
  const before = { queries: await commits(ledger), cpuMs: await cpuShares(system, to!) };
  const startedAt = performance.now();
  await from!.kill();
  const isDone = (): boolean => connected.every(({ offsets }) => offsets.length >= MISSED);
  while (!isDone() && performance.now() - startedAt < COMPLETE_WITHIN_MS) await delay(20);
  const tookMs = Math.round(performance.now() - startedAt);
  const after = await cpuShares(system, to!);
  await delay(REPORTED_AFTER_MS);
  const queries = (await commits(ledger)) - before.queries;
  for (const client of connected) client.close();
  const replays = connected.map(({ openedAt, heardAt }) => Math.round(heardAt - openedAt));
  await ledger.close();
  return {
    clients,
    complete: connected.filter(isComplete).length,
    tookMs,
    replayMs: { p50: percentile(replays, 0.5), p99: percentile(replays, 0.99) },
    queries,
    cpuMs: {
      gateway: after.gateway - before.cpuMs.gateway,
      postgres: after.postgres - before.cpuMs.postgres,
      clients: after.clients - before.cpuMs.clients,
    },
  };
}

function isComplete({ offsets, sessions }: RawClient): boolean {
  const isWhole = offsets.length === MISSED && offsets.every((offset, index) => offset === index + 1);
  return isWhole && sessions.every(({ recovered }) => recovered);
}

async function commits(ledger: LedgerCheck): Promise<number> {
  const [row] = await ledger.query<{ commits: number }>(COMMITS);
  return row!.commits;
}

async function cpuShares({ postgres }: BenchSystem, gateway: { pid: number | undefined }): Promise<CpuShares> {
  const { user, system } = process.cpuUsage();
  const times = await ProcessTimes.read();
  return {
    gateway: times.of([gateway.pid!]),
    postgres: times.of([postgres.pid!]),
    clients: Math.round((user + system) / 1_000),
  };
}
