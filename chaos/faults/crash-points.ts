import type { PlannedFault } from '../schedule/schedule.ts';
import type { Instance, Stage } from '../stage/stage.ts';
import { victimOf, type Fault } from './fault.ts';

/** The number of times that a crash point is passed before it kills. */
const TIMES = 20;

/** How long it may take until it is reached so often, in milliseconds. */
const REACHED_MS = 60_000;

/** Has a process stand in for one of a group, which dies at a named place in the code. */
function crash(group: (stage: Stage) => readonly Instance[]): Fault['strike'] {
  return async (stage, plan) => {
    const victim = victimOf(group(stage), plan);
    let pid: number | undefined;
    await stage.supervisor.replace(victim.app, async () => {
      pid = await dieInPlaceOf(stage, victim, plan);
    });
    return `a stand-in of ${victim.app.name} (${pid ?? 'before it was ready'}) was killed at ${plan.variant}`;
  };
}

async function dieInPlaceOf(stage: Stage, victim: Instance, { variant }: PlannedFault): Promise<number | undefined> {
  const starting = stage.standIn(victim, { CRASH_POINT: `${variant}:${TIMES}` });
  const standIn = await starting.catch((error: unknown) => {
    // It may have been reached before anybody asked whether it is ready.
    if (String(error).includes('SIGKILL')) return undefined;
    throw error;
  });
  if (!standIn) return undefined;
  const { pid } = standIn;
  // Who was with somebody else stays there: so all are asked to choose again.
  if (stage.apis.includes(victim)) stage.rest.endAll();
  const timer = setTimeout(() => void standIn.kill('SIGTERM'), REACHED_MS);
  await standIn.ended();
  clearTimeout(timer);
  if (standIn.exitCode !== null)
    throw new Error(`the stand-in ended with ${standIn.exitCode}: ${variant} was not reached`);
  return pid;
}

export const CRASH_POINTS: readonly Fault[] = [
  {
    name: 'api-dies-at',
    targets: ['apis', 'postgres'],
    variants: ['accept.before-commit', 'accept.after-commit', 'accept.after-enqueue'],
    holdMs: [0, 0],
    strike: crash(({ apis }) => apis),
  },
  {
    name: 'worker-dies-at',
    targets: ['workers', 'postgres'],
    variants: [
      'apply.before-lock',
      'apply.before-commit',
      'apply.after-commit',
      'apply.after-publish',
      'perform.before-start',
      'perform.after-end',
    ],
    holdMs: [0, 0],
    strike: crash(({ workers }) => workers),
  },
];
