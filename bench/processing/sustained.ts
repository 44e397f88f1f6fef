import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { atMost, percentile, type Figure } from './figure.ts';
import { Installation, type Servers } from './installation.ts';

const PER_SECOND = 1_000;
const SECONDS = 60;
const USERS = 100;
const TICK_MS = 10;
const BODY = JSON.stringify({ text: 'a message of ordinary length, as people write them' });

/** Single requests at a fixed rate, whether they are answered or not, as many clients would. */
export async function measureSustained(servers: Servers): Promise<Figure[]> {
  const system = await Installation.start(servers, 2);
  const users = await Promise.all(Array.from({ length: USERS }, (_, index) => system.headersOf(`user-${index}`)));
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const url = new URL(`${system.apis[0]!.url}/v1/messages`);
  const answerMs: number[] = [];
  let refused = 0;
  const submit = (headers: Record<string, string>): Promise<void> =>
    new Promise((resolve) => {
      const sentAt = performance.now();
      const settle = (accepted: boolean): void => {
        if (accepted) answerMs.push(performance.now() - sentAt);
        else refused += 1;
        resolve();
      };
      const sending = request(url, { method: 'POST', agent, headers }, (response) => {
        response.resume().once('end', () => settle(response.statusCode === 202));
      });
      sending.once('error', () => settle(false));
      sending.end(BODY);
    });

  const memory: number[] = [];
  const all: Promise<void>[] = [];
  const startedAt = performance.now();
  const offered = PER_SECOND * SECONDS;
  for (let nextLook = 0; all.length < offered;) {
    const elapsed = performance.now() - startedAt;
    const due = Math.min(offered, Math.ceil((elapsed / 1_000) * PER_SECOND));
    while (all.length < due) all.push(submit(users[all.length % USERS]!));
    if (elapsed >= nextLook) {
      nextLook += 5_000;
      memory.push(await memoryOf(system));
    }
    await delay(TICK_MS);
  }
  await Promise.all(all);
  agent.destroy();
  const backlog = await system.ledger.unfinished();
  const drainedMs = await system.ledger.settled(60_000);
  memory.push(await memoryOf(system));
  const latencies = await system.latencies('true');
  const figures = await system.judge('sustained', offered - refused);
  await system.stop();
  // The first third is warm-up: heaps grow to their working size.
  const [middle, last] = [memory[Math.floor(memory.length / 3)]!, memory.at(-1)!];
  return [
    { name: 'sustained: offered', value: `${PER_SECOND}/s for ${SECONDS} s` },
    { name: 'sustained: refused', value: refused, wanted: '0', holds: refused === 0 },
    ...figures,
    { name: 'sustained: 202 p50 / p99', value: both(answerMs) },
    { name: 'sustained: 202 → outcome p50 / p99', value: both(latencies) },
    { name: 'sustained: backlog at the end', value: backlog },
    atMost('sustained: drained after', drainedMs / 1_000, 10, ' s'),
    { name: 'sustained: memory of api and workers, at a third / at the end', value: `${middle} / ${last} MB` },
    atMost('sustained: growth of memory', last / middle, 1.3, ' ×'),
  ];
}

function both(values: readonly number[]): string {
  return `${Math.round(percentile(values, 0.5))} / ${Math.round(percentile(values, 0.99))} ms`;
}

/** Resident memory of all processes, in MB (Linux; elsewhere 1, so that nothing seems to grow). */
async function memoryOf({ apis, workers }: Installation): Promise<number> {
  let sum = 0;
  for (const { pid } of [...apis, ...workers]) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    sum += Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  }
  return Math.round(sum / 1_024) || 1;
}
