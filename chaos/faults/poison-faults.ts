import { randomUUID } from 'node:crypto';
import { eventually } from '#testing';
import type { Load } from '../load/load.ts';
import type { PlannedFault } from '../schedule/schedule.ts';
import type { Stage } from '../stage/stage.ts';
import type { Fault } from './fault.ts';

/** How many of each; one that ends its process is enough. */
const ACTIONS = 5;

/** How long they may take to fail, in milliseconds. */
const FAILED_MS = 120_000;

const STATUSES = `select status::text from actions where id = any($1)`;

/** It is healed when it has failed: nothing else can be done about it. */
async function poison({ ledger, supervisor, workers }: Stage, { variant }: PlannedFault, load: Load): Promise<string> {
  const isDeadly = variant === 'exit';
  const apps = workers.map(({ app }) => app);
  const announced = isDeadly ? supervisor.announce(...apps) : undefined;
  const deaths = supervisor.count;
  const submits = await Promise.all(
    Array.from({ length: isDeadly ? 1 : ACTIONS }, () =>
      load.poisoner.submit(
        { resource: 'drills', verb: 'create', id: randomUUID(), payload: { fault: variant } },
        60_000,
      ),
    ),
  );
  const ids = submits.flatMap(({ actionIds }) => actionIds);
  await eventually(
    async () => {
      const rows = await ledger.query<{ status: string }>(STATUSES, [ids]);
      const statuses = rows.map(({ status }) => status);
      if (statuses.length < submits.length || statuses.some((status) => status !== 'failed')) {
        throw new Error(`poison is ${statuses.join(', ')}`);
      }
    },
    { timeoutMs: FAILED_MS, everyMs: 100 },
  );
  for (const app of apps) await supervisor.isBack(app);
  announced?.();
  const killed = supervisor.since(deaths).length;
  if (isDeadly && killed === 0) throw new Error('no worker died');
  return `${ids.length} actions that ${variant} have failed, ${killed} workers died of it`;
}

export const POISON_FAULTS: readonly Fault[] = [
  {
    name: 'poison',
    targets: ['actions', 'workers'],
    variants: ['throw', 'hang', 'deep', 'nul'],
    holdMs: [0, 0],
    strike: poison,
  },
  { name: 'killer', targets: ['actions', 'workers'], variants: ['exit'], holdMs: [0, 0], strike: poison },
];
