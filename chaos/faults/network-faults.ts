import { setTimeout as delay } from 'node:timers/promises';
import type { FaultyProxy } from '#testing';
import type { PlannedFault } from '../schedule/schedule.ts';
import type { Stage } from '../stage/stage.ts';
import type { Fault } from './fault.ts';

type Ways = (stage: Stage, plan: PlannedFault) => readonly FaultyProxy[];

/** How a network fails, and what counts as a proof. */
const FAILURES: Readonly<
  Record<string, { fail: (way: FaultyProxy, delayMs: number) => void; counted: readonly Count[] }>
> = {
  cut: { fail: (way) => way.cut(), counted: ['ended', 'refused'] },
  'black-hole': { fail: (way) => way.swallow(), counted: ['swallowed'] },
  delay: { fail: (way, delayMs) => way.slow(delayMs), counted: ['delayed'] },
};
type Count = keyof FaultyProxy['counts'];

function partition(ways: Ways, delayMs: number): Fault['strike'] {
  return async (stage, plan) => {
    const hit = ways(stage, plan);
    const { fail, counted } = FAILURES[plan.variant!]!;
    const count = (): number =>
      hit.reduce((sum, { counts }) => sum + counted.reduce((all, name) => all + counts[name], 0), 0);
    const before = count();
    for (const way of hit) fail(way, delayMs);
    try {
      await delay(plan.holdMs);
    } finally {
      for (const way of hit) way.heal();
    }
    const affected = count() - before;
    if (affected === 0) throw new Error(`nothing went over ${hit.length} ways: ${plan.variant}`);
    const unit = plan.variant === 'cut' ? 'connections' : 'bytes';
    return `${affected} ${unit} ${counted.join(' or ')} on ${hit.length} ways within ${plan.holdMs} ms`;
  };
}

const toRedis: Ways = ({ instances }) => instances.map(({ redis }) => redis);
const toPostgres: Ways = ({ instances }) => instances.map(({ postgres }) => postgres);

/** One of the ways of clients: to the sockets, or to the api. */
const ofClients: Ways = ({ lines, rest }, { victim }) => {
  const all = [...lines, rest];
  return [all[Math.floor(victim * all.length)]!];
};

const variants = Object.keys(FAILURES);
const holdMs = [2_000, 7_000] as const;

export const NETWORK_FAULTS: readonly Fault[] = [
  { name: 'redis-partitioned', targets: ['redis', 'messages'], variants, holdMs, strike: partition(toRedis, 300) },
  { name: 'postgres-partitioned', targets: ['postgres'], variants, holdMs, strike: partition(toPostgres, 150) },
  { name: 'clients-partitioned', targets: ['clients'], variants, holdMs, strike: partition(ofClients, 500) },
];
