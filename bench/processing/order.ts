import { randomUUID } from 'node:crypto';
import { atLeast, atMost, percentile, type Figure } from './figure.ts';
import { drill, Installation, type Drill, type Servers } from './installation.ts';

const WORKERS = 4;
const RESOURCES = 200;
const ACTIONS_EACH = 20;
const ACTIONS = RESOURCES * ACTIONS_EACH;
/** Users who own the resources, equally many each. */
const OWNERS = 20;
const MOST_WORK_MS = 20;
/** How many fail at first: every other one of them while it performs, and then waits for its next attempt. */
const RETRIED = 0.05;
/**
 * The delays of first retries, in milliseconds: a short one for what the order costs, and a longer one,
 * where the resource with the most retries decides when a round is over.
 */
const BACKOFF_MS = 25;
const LONG_BACKOFF_MS = 100;
const SETTLED_MS = 120_000;
const LONG_MS = 2_000;

/** Time between two looks whether a round is over, in milliseconds: a look is work for Postgres, too. */
const LOOK_MS = 250;

/** Pairs of rounds, one on shared and one on distinct resources, in turns the one or the other first: a single one is noise. */
const PAIRS = 15;

type Work = Drill['payload'];

/** Random work, and some attempts that fail. */
function randomWork(): Work[] {
  return Array.from({ length: ACTIONS }, () => ({
    performMs: Math.floor(Math.random() * MOST_WORK_MS),
    ...(Math.random() < RETRIED && ({ fault: 'throw', faultyAttempts: 1, inPerform: Math.random() < 0.5 } as const)),
  }));
}

function inOrder(work: readonly Work[]): Drill[] {
  const resources = Array.from({ length: RESOURCES }, () => randomUUID());
  return work.map((payload, index) => drill(payload, resources[index % RESOURCES]));
}

function onDistinct(work: readonly Work[]): Drill[] {
  return work.map((payload) => drill(payload));
}

const LAST_END = 'select max(finished_at) as at from actions where submitted_at >= $1';

/** @returns actions per second, from the first submit to the last outcome */
async function rateOf(system: Installation, drills: readonly Drill[]): Promise<number> {
  const [start] = await system.ledger.query<{ at: Date }>('select clock_timestamp() as at');
  const shares = Map.groupBy(drills.entries(), ([index]) => index % OWNERS);
  await Promise.all(
    [...shares].map(([owner, share]) =>
      system.submit(
        share.map(([, each]) => each),
        `owner-${owner}`,
      ),
    ),
  );
  await system.ledger.settled(SETTLED_MS, LOOK_MS);
  const [end] = await system.ledger.query<{ at: Date }>(LAST_END, [start!.at]);
  return drills.length / ((end!.at.getTime() - start!.at.getTime()) / 1_000);
}

/** Order on a resource, and what it costs: the same work once in order, once each on a resource of its own. */
export async function measureOrder(servers: Servers): Promise<Figure[]> {
  const [figures, ratios] = await measurePairs(servers, BACKOFF_MS, 'order');
  figures.push(atLeast('order: the same, median', percentile(ratios, 0.5), 0.9, ' ×'));
  const [longer] = await measurePairs(servers, LONG_BACKOFF_MS, `order, ${LONG_BACKOFF_MS} ms`);
  return [...figures, ...longer, ...(await measureStrangers(servers))];
}

/** @returns what was measured, and the ratios */
async function measurePairs(
  servers: Servers,
  backoffMs: number,
  name: string,
): Promise<[figures: Figure[], ratios: number[]]> {
  const system = await Installation.start(servers, WORKERS, { RETRY_BACKOFF_MS: String(backoffMs) });
  await rateOf(system, inOrder(randomWork()));
  await rateOf(system, onDistinct(randomWork()));
  const [ordered, distinct]: [number[], number[]] = [[], []];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const work = randomWork();
    const rounds = [
      async () => ordered.push(await rateOf(system, inOrder(work))),
      async () => distinct.push(await rateOf(system, onDistinct(work))),
    ];
    for (const round of pair % 2 === 0 ? rounds : rounds.toReversed()) await round();
  }
  const figures = await system.judge(name, ACTIONS * 2 * (1 + PAIRS));
  await system.stop();
  const ratios = ordered.map((rate, pair) => rate / distinct[pair]!);
  figures.push(
    { name: `${name}: actions/s, ${RESOURCES} resources × ${ACTIONS_EACH}`, value: spread(ordered) },
    { name: `${name}: actions/s, distinct resources`, value: spread(distinct) },
    { name: `${name}: throughput against distinct resources, ${PAIRS} pairs`, value: spread(ratios, 2) },
  );
  return [figures, ratios];
}

/** Median, and from where to where. */
function spread(values: readonly number[], digits = 0): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${percentile(values, 0.5).toFixed(digits)} (${low.toFixed(digits)} … ${high.toFixed(digits)})`;
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
