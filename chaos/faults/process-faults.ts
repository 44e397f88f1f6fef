import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { assertDead, victimOf, type Fault } from './fault.ts';
import type { PlannedFault } from '../schedule/schedule.ts';
import type { Instance, Stage } from '../stage/stage.ts';

type Group = (stage: Stage) => readonly Instance[];

const apis: Group = (stage) => stage.apis;
const workers: Group = (stage) => stage.workers;
const gateways: Group = (stage) => stage.gateways;

/** Kills one and starts it again after some time. */
function killing(group: Group): Fault['strike'] {
  return async (stage, plan) => {
    const { app } = victimOf(group(stage), plan);
    const { pid, exitCode } = await stage.supervisor.kill(app, 'SIGKILL', plan.holdMs);
    assertDead(pid);
    if (exitCode !== null) throw new Error(`${app.name} ended by itself, with ${exitCode}`);
    return `${app.name} (${pid}) is dead, ${app.pid} has taken its place`;
  };
}

async function drain({ gateways: all, supervisor }: Stage, plan: PlannedFault): Promise<string> {
  const { app } = victimOf(all, plan);
  const { pid, exitCode } = await supervisor.kill(app, 'SIGTERM', plan.holdMs);
  assertDead(pid);
  if (exitCode !== 0) throw new Error(`${app.name} ended with ${exitCode} after SIGTERM`);
  return `${app.name} (${pid}) ended with 0, ${app.pid} has taken its place`;
}

async function freeze({ workers: all }: Stage, plan: PlannedFault): Promise<string> {
  const { app } = victimOf(all, plan);
  const { pid } = app;
  await app.kill('SIGSTOP');
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
    if (!stdout.startsWith('T')) throw new Error(`${app.name} is not stopped, but ${stdout}`);
    await delay(plan.holdMs);
  } finally {
    await app.kill('SIGCONT');
  }
  if (app.pid !== pid) throw new Error(`${app.name} did not survive its stop`);
  return `${app.name} (${pid}) was in state T for ${plan.holdMs} ms`;
}

/** To a worker it looks as if Postgres were there and said nothing. */
async function cutOff({ workers: all }: Stage, plan: PlannedFault): Promise<string> {
  const { app, postgres } = victimOf(all, plan);
  const before = postgres.counts.swallowed;
  postgres.swallow();
  try {
    await delay(plan.holdMs);
  } finally {
    postgres.heal();
  }
  const swallowed = postgres.counts.swallowed - before;
  if (swallowed === 0) throw new Error(`nothing went between ${app.name} and Postgres`);
  return `${swallowed} bytes between ${app.name} and Postgres vanished within ${plan.holdMs} ms`;
}

/** The lock of a ticket is 5 s long. */
const BEYOND_LOCK_MS = [6_500, 9_000] as const;

export const PROCESS_FAULTS: readonly Fault[] = [
  { name: 'api-killed', targets: ['apis'], holdMs: [0, 2_000], strike: killing(apis) },
  { name: 'worker-killed', targets: ['workers'], holdMs: [0, 2_000], strike: killing(workers) },
  { name: 'worker-frozen', targets: ['workers'], holdMs: BEYOND_LOCK_MS, strike: freeze },
  { name: 'worker-cut-off', targets: ['workers', 'postgres'], holdMs: BEYOND_LOCK_MS, strike: cutOff },
  { name: 'gateway-killed', targets: ['gateways'], holdMs: [0, 3_000], strike: killing(gateways) },
  { name: 'gateway-drained', targets: ['gateways'], holdMs: [0, 3_000], strike: drain },
];
