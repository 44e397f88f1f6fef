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

export interface StormOptions {
  /** Clients that each of the other gateways has already. */
  residents?: number;
  /** The first pause of clients, in milliseconds, give or take a half (default: as socket.io's, 1000). */
  retryMs?: number | undefined;
}

/** CPU time of those that share the machine, in milliseconds. */
interface CpuShares {
  /** The gateways that took the clients in. */
  gateway: number;
  postgres: number;
  /** The clients themselves. */
  clients: number;
}

/** Connects users, some at a time. */
async function connectAll(url: string, users: readonly string[], retryMs?: number): Promise<RawClient[]> {
  const connected: RawClient[] = [];
  for (let start = 0; start < users.length; start += CHUNK) {
    const chunk = users.slice(start, start + CHUNK);
    connected.push(
      ...(await Promise.all(chunk.map(async (user) => new RawClient(url, await tokenOf(user), retryMs).connect()))),
    );
  }
  return connected;
}

function usersOf(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${kind}-${index}`);
}

/**
 * Kills the first gateway; its clients go to the others with the cursors they have.
 *
 * @param clients how many it has
 */
export async function runStorm(
  system: BenchSystem,
  clients: number,
  { residents = 0, retryMs }: StormOptions = {},
): Promise<StormRun> {
  const { api, worker, sockets, database } = system;
  const [from, ...others] = sockets;
  const ledger = new LedgerCheck(database);
  const users = usersOf('storm', clients);
  const connected = await connectAll(from!.url, users, retryMs);
  const staying = await Promise.all(
    others.map(({ url }, index) => connectAll(url, usersOf(`resident-${index}`, residents))),
  );
  // Their queries are not those of the storm.
  await Promise.all([api.kill(), worker.kill()]);
  await from!.kill('SIGSTOP');
  await makeUpEvents(ledger, users.map(userChannel), 1, MISSED);
  for (const [index, client] of connected.entries()) client.url = others[index % others.length]!.url;
  const before = { queries: await commits(ledger), cpuMs: await cpuShares(system, others) };
  const startedAt = performance.now();
  await from!.kill();
  const isDone = (): boolean => connected.every(({ offsets }) => offsets.length >= MISSED);
  while (!isDone() && performance.now() - startedAt < COMPLETE_WITHIN_MS) await delay(20);
  const tookMs = Math.round(performance.now() - startedAt);
  const after = await cpuShares(system, others);
  await delay(REPORTED_AFTER_MS);
  const queries = (await commits(ledger)) - before.queries;
  for (const client of [...connected, ...staying.flat()]) client.close();
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

async function cpuShares(
  { postgres }: BenchSystem,
  gateways: readonly { pid: number | undefined }[],
): Promise<CpuShares> {
  const { user, system } = process.cpuUsage();
  const times = await ProcessTimes.read();
  return {
    gateway: times.of(gateways.map(({ pid }) => pid!)),
    postgres: times.of([postgres.pid!]),
    clients: Math.round((user + system) / 1_000),
  };
}
