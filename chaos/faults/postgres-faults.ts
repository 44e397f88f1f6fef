import { setTimeout as delay } from 'node:timers/promises';
import type { PlannedFault } from '../schedule/schedule.ts';
import type { Stage } from '../stage/stage.ts';
import { assertDead, type Fault } from './fault.ts';

async function kill({ postgres }: Stage, { holdMs }: PlannedFault): Promise<string> {
  const pid = await postgres.kill();
  try {
    assertDead(pid);
    await delay(holdMs);
  } finally {
    await postgres.start();
  }
  return `Postgres (${pid}) was dead for ${holdMs} ms and its recovery`;
}

async function exhaust({ postgres }: Stage, { holdMs }: PlannedFault): Promise<string> {
  const exhaustion = await postgres.exhaust();
  await delay(holdMs);
  const { ended, held, refused } = exhaustion;
  await exhaustion.release();
  if (ended === 0 || refused === 0) throw new Error(`${ended} connections ended, ${refused} refused`);
  return `${ended} connections of apps ended, ${held} held for ${holdMs} ms; Postgres had none left ${refused} times`;
}

export const POSTGRES_FAULTS: readonly Fault[] = [
  { name: 'postgres-killed', targets: ['postgres'], holdMs: [0, 4_000], strike: kill },
  { name: 'postgres-exhausted', targets: ['postgres'], holdMs: [1_000, 4_000], strike: exhaust },
];
