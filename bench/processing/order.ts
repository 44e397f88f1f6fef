import { randomUUID } from 'node:crypto';
import { atLeast, atMost, percentile, type Figure } from './figure.ts';
import { drill, Installation, type Drill, type Servers } from './installation.ts';

const WORKERS = 4;
const RESOURCES = 200;
const ACTIONS_EACH = 20;
const MOST_WORK_MS = 20;
const RETRIED = 0.05;
const SETTLED_MS = 120_000;
const LONG_MS = 2_000;

/** Rounds of the comparison, of which the median counts: one of some seconds is noise. */
const ROUNDS = 3;

/** Random work, and some attempts that fail; `resourceOf` says where the n-th of the k-th round goes. */
function load(resourceOf: (resource: number) => string): Drill[] {
  return Array.from({ length: RESOURCES * ACTIONS_EACH }, (_, index) => {
    const fails = Math.random() < RETRIED;
    return drill(
      { performMs: Math.floor(Math.random() * MOST_WORK_MS), ...(fails && { fault: 'throw', faultyAttempts: 1 }) },
      resourceOf(index % RESOURCES),
    );
  });
}

/** Order on a resource, and what it costs. */
export async function measureOrder(servers: Servers): Promise<Figure[]> {
  const system = await Installation.start(servers, WORKERS, { RETRY_BACKOFF_MS: '100' });
  const run = async (drills: Drill[]): Promise<number> => {
    const startedAt = performance.now();
    await system.submit(drills);
    await system.ledger.settled(SETTLED_MS);
    return drills.length / ((performance.now() - startedAt) / 1_000);
  };
  await run(load(() => randomUUID()));
  const [shared, distinct]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const resources = Array.from({ length: RESOURCES }, () => randomUUID());
    shared.push(await run(load((resource) => resources[resource]!)));
    distinct.push(await run(load(() => randomUUID())));
  }
  const figures = await system.judge('order', RESOURCES * ACTIONS_EACH * (1 + 2 * ROUNDS));
  const [ordered, free] = [percentile(shared, 0.5), percentile(distinct, 0.5)];
  figures.push(
    { name: `order: actions/s, ${RESOURCES} resources × ${ACTIONS_EACH}`, value: Math.round(ordered) },
    { name: 'order: actions/s, distinct resources', value: Math.round(free) },
    atLeast('order: throughput against distinct resources', ordered / free, 0.9, ' ×'),
  );
  await system.stop();
  return [...figures, ...(await measureStrangers(servers))];
}

/** A long action on one resource: do the others notice? */
async function measureStrangers(servers: Servers): Promise<Figure[]> {
  const system = await Installation.start(servers, WORKERS);
  const offer = async (): Promise<void> => {
    for (let n = 0; n < 150; n += 1) {
      await system.submit([drill(), drill()]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await system.ledger.settled(SETTLED_MS);
  };
  await offer();
  const quiet = await p99(system, `payload->>'performMs' is null`);
  const [mark] = await system.ledger.query<{ at: Date }>('select clock_timestamp() as at');
  const resource = randomUUID();
  await system.submit(Array.from({ length: 2 }, () => drill({ performMs: LONG_MS }, resource)));
  await offer();
  const busy = await p99(
    system,
    `payload->>'performMs' is null and submitted_at > '${mark!.at.toISOString()}'::timestamptz`,
  );
  await system.stop();
  return [
    { name: 'order: p99 of strangers, nothing long', value: `${Math.round(quiet)} ms` },
    atMost(`order: p99 of strangers beside ${LONG_MS} ms of work`, busy, Math.max(100, quiet * 2), ' ms'),
  ];
}

async function p99(system: Installation, where: string): Promise<number> {
  return percentile(await system.latencies(where), 0.99);
}
