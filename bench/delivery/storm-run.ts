import { setTimeout as delay } from 'node:timers/promises';
import { io, type Socket } from 'socket.io-client';
import { userChannel, type Session } from '#contracts';
import { LedgerCheck } from '../../libs/testing/src/ledger-check.ts';
import { makeUpEvents } from '../../test/delivery/made-up-events.ts';
import { tokenOf, type BenchSystem } from './system.ts';

const MISSED = 20;
const COMMITS = `select xact_commit::integer as commits from pg_stat_database where datname = current_database()`;

/** Connected at once while the storm is prepared. */
const CHUNK = 100;

export interface StormRun {
  clients: number;
  /** Clients that heard all they had missed, once and in order. */
  complete: number;
  tookMs: number;
  queries: number;
  /** CPU time of the gateway that took them in. */
  cpuMs: number;
}

interface Client {
  socket: Socket;
  offsets: number[];
  sessions: number;
}

/** Kills a gateway that holds all clients; they go to the other one with the cursors they have. */
export async function runStorm({ api, worker, sockets, database }: BenchSystem, clients: number): Promise<StormRun> {
  const [from, to] = sockets;
  const ledger = new LedgerCheck(database);
  const users = Array.from({ length: clients }, (_, index) => `storm-${index}`);
  const connected: Client[] = [];
  for (let start = 0; start < clients; start += CHUNK) {
    const chunk = users.slice(start, start + CHUNK);
    connected.push(...(await Promise.all(chunk.map((user) => connect(from!.url, to!.url, user)))));
  }
  // Their queries are not those of the storm.
  await Promise.all([api.kill(), worker.kill()]);
  await from!.kill('SIGSTOP');
  await makeUpEvents(ledger, users.map(userChannel), 1, MISSED);
  const before = { queries: await commits(ledger), cpuMs: await cpuMsOf(to!) };
  const startedAt = performance.now();
  await from!.kill();
  const isDone = (): boolean => connected.every(({ offsets }) => offsets.length >= MISSED);
  while (!isDone() && performance.now() - startedAt < 120_000) await delay(20);
  const tookMs = Math.round(performance.now() - startedAt);
  const complete = connected.filter(
    ({ offsets }) => offsets.length === MISSED && offsets.every((offset, index) => offset === index + 1),
  ).length;
  await delay(1_500);
  const queries = (await commits(ledger)) - before.queries;
  const cpuMs = (await cpuMsOf(to!)) - before.cpuMs;
  for (const { socket } of connected) socket.disconnect();
  await ledger.close();
  return { clients, complete, tookMs, queries, cpuMs };
}

async function connect(url: string, next: string, user: string): Promise<Client> {
  const token = await tokenOf(user);
  let cursors: string[] | undefined;
  const socket = io(url, {
    transports: ['websocket'],
    forceNew: true,
    reconnectionDelay: 200,
    reconnectionDelayMax: 2_000,
    auth: (send) => send({ token, ...(cursors && { cursors }) }),
  });
  const client: Client = { socket, offsets: [], sessions: 0 };
  socket.on('event', ({ offset }: { offset: number }) => client.offsets.push(offset));
  socket.on('disconnect', () => Object.assign(socket.io, { uri: next }));
  await new Promise<void>((resolve) => {
    socket.on('session', (session: Session) => {
      client.sessions += 1;
      cursors ??= session.cursors;
      resolve();
    });
  });
  return client;
}

async function commits(ledger: LedgerCheck): Promise<number> {
  const [row] = await ledger.query<{ commits: number }>(COMMITS);
  return row!.commits;
}

async function cpuMsOf({ url }: { url: string }): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Math.round(Number(/^process_cpu_seconds_total\S* (\S+)$/m.exec(text)?.[1]) * 1_000);
}
