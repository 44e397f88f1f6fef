import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { createClient, type TidingsClient } from '#client';
import { userChannel, type OutcomeEnvelope } from '#contracts';
import { LedgerCheck } from '../../libs/testing/src/ledger-check.ts';
import { tokenOf, type BenchSystem } from './system.ts';

const MISSED = 5_000;
const BATCH = 1_000;
const RETURNS = 5;
const OTHERS = 10;

/** Between two submits of the others. */
const PACE_MS = 25;
const QUIET_MS = 5_000;
const COMPLETE_WITHIN_MS = 60_000;

export interface AbsenceRun {
  missed: number;
  /** Of the returns, those that heard all they had missed, once and in order. */
  complete: number;
  /** Of each return, from the connect until all was heard. */
  tookMs: number[];
  /** By how much the memory of the gateway grew at most, in MB. */
  grownMb: number;
  /** From submit to outcome, of the others. */
  latencyMs: { before: Latency; during: Latency };
}

interface Latency {
  count: number;
  median: number;
  p95: number;
  most: number;
}

/** Somebody comes back to thousands of outcomes, some times, while others go on. */
export async function runAbsence({ api, sockets, database }: BenchSystem): Promise<AbsenceRun> {
  const [gateway] = sockets;
  const token = await tokenOf('absent');
  await missOutcomes(api.url, token, database);
  const others = await Promise.all(
    Array.from({ length: OTHERS }, async (_, index) => {
      const client = createClient({
        baseUrl: api.url,
        socketUrl: gateway!.url,
        token: () => tokenOf(`present-${index}`),
      });
      await client.connect();
      return client;
    }),
  );
  // What is compiled and cached at first is not what is measured.
  await comeBack(gateway!.url, token);
  const before = await latencies(others, delay(QUIET_MS));
  const memory = watchMemory(gateway!.pid!);
  const tookMs: number[] = [];
  let complete = 0;
  const returning = (async () => {
    for (let count = 0; count < RETURNS; count += 1) {
      const { ms, isComplete } = await comeBack(gateway!.url, token);
      tookMs.push(ms);
      complete += isComplete ? 1 : 0;
    }
  })();
  const during = await latencies(others, returning);
  const grownMb = await memory.stop();
  for (const client of others) client.close();
  return { missed: MISSED, complete, tookMs, grownMb, latencyMs: { before, during } };
}

/** Outcomes of an hour ago, whose owner has not been there since. */
async function missOutcomes(api: string, token: string, database: string): Promise<void> {
  for (let count = 0; count < MISSED; count += BATCH) {
    const actions = Array.from({ length: BATCH }, (_, index) => ({
      type: 'messages.create',
      payload: { text: `message ${count + index}` },
    }));
    const answer = await fetch(`${api}/v1/actions/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ actions }),
    });
    if (answer.status !== 202) throw new Error(`a batch was answered ${answer.status}: ${await answer.text()}`);
  }
  const ledger = new LedgerCheck(database);
  await ledger.settled(COMPLETE_WITHIN_MS);
  await ledger.query(`update events set created_at = created_at - interval '1 hour' where channel = $1`, [
    userChannel('absent'),
  ]);
  await ledger.close();
}

async function comeBack(url: string, token: string): Promise<{ ms: number; isComplete: boolean }> {
  const offsets: number[] = [];
  const startedAt = performance.now();
  const socket = io(url, { transports: ['websocket'], forceNew: true, auth: { token, cursors: ['0'] } });
  socket.on('outcome', ({ offset }: OutcomeEnvelope) => offsets.push(offset));
  while (offsets.length < MISSED && performance.now() - startedAt < COMPLETE_WITHIN_MS) await delay(5);
  const ms = Math.round(performance.now() - startedAt);
  socket.disconnect();
  return { ms, isComplete: offsets.length === MISSED && offsets.every((offset, index) => offset === index + 1) };
}

/** Submits for the others at a steady pace until something is over. */
async function latencies(others: readonly TidingsClient[], until: Promise<unknown>): Promise<Latency> {
  const state = { isOver: false };
  const over = until.finally(() => (state.isOver = true));
  const samples: Promise<number>[] = [];
  while (!state.isOver) {
    samples.push(latencyOf(others[samples.length % others.length]!));
    await delay(PACE_MS);
  }
  await over;
  const sorted = (await Promise.all(samples)).toSorted((one, other) => one - other);
  const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)]!);
  return { count: sorted.length, median: at(0.5), p95: at(0.95), most: at(1) };
}

async function latencyOf(client: TidingsClient): Promise<number> {
  const startedAt = performance.now();
  const handle = await client.messages.create({ text: 'meanwhile' });
  await handle.outcome();
  return performance.now() - startedAt;
}

function watchMemory(pid: number): { stop: () => Promise<number> } {
  let first = 0;
  let most = 0;
  const look = async (): Promise<void> => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const mb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
    first ||= mb;
    most = Math.max(most, mb);
  };
  const timer = setInterval(() => void look(), 50);
  return {
    stop: async () => {
      clearInterval(timer);
      await look();
      return Math.round(most - first);
    },
  };
}
