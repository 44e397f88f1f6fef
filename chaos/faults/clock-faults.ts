import { access, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#testing';
import { DATA } from '../../infra/local/data-folder.ts';
import { libraryPath, unpackDebianPackages } from '../../infra/local/debian-packages.ts';
import type { PlannedFault } from '../schedule/schedule.ts';
import type { Instance, Stage } from '../stage/stage.ts';
import { victimOf, type Fault } from './fault.ts';

const UNPACKED = join(DATA, 'libfaketime');
const LIBRARY = 'faketime/libfaketime.so.1';

/** How far a clock jumps, in seconds: less than tokens live. */
const JUMP_S = 1_800;

const GROUPS: Readonly<Record<string, (stage: Stage) => readonly Instance[]>> = {
  api: ({ apis }) => apis,
  worker: ({ workers }) => workers,
  gateway: ({ gateways }) => gateways,
};
const DIRECTIONS: Readonly<Record<string, number>> = { ahead: JUMP_S, back: -JUMP_S };

/**
 * Clocks that jump in one process, by libfaketime: the system's, or Debian's, unpacked.
 *
 * @throws {Error} when there is none
 */
export async function clockFaults(): Promise<readonly Fault[]> {
  const library = await findLibrary();
  const variants = Object.keys(GROUPS).flatMap((group) => Object.keys(DIRECTIONS).map((to) => `${group}-${to}`));
  return [
    {
      name: 'clock-jumps',
      targets: ['apis', 'workers', 'gateways'],
      variants,
      holdMs: [4_000, 8_000],
      strike: (stage, plan) => jump(library, stage, plan),
    },
  ];
}

async function findLibrary(): Promise<string> {
  const unpacked = async (): Promise<string[]> => (await libraryPath(UNPACKED)).split(':');
  const installed = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu`);
  const found = await firstThatIs([...installed, ...(await unpacked())]);
  if (found !== undefined) return found;
  try {
    await unpackDebianPackages(['libfaketime'], UNPACKED);
  } catch (cause) {
    throw new Error('clocks cannot jump here: install libfaketime (Debian: apt install libfaketime)', { cause });
  }
  return (await firstThatIs(await unpacked())) ?? Promise.reject(new Error(`no ${LIBRARY} was unpacked`));
}

async function firstThatIs(folders: readonly string[]): Promise<string | undefined> {
  for (const path of folders.map((folder) => join(folder, LIBRARY))) {
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/** A process stands in for another, and its clock, which is right at first, jumps there and back. */
async function jump(library: string, stage: Stage, plan: PlannedFault): Promise<string> {
  const [group, direction] = plan.variant!.split('-') as [string, string];
  const victim = victimOf(GROUPS[group]!(stage), plan);
  const offset = DIRECTIONS[direction]!;
  const file = join(await mkdtemp(join(tmpdir(), 'tidings-clock-')), 'offset');
  await writeFile(file, '+0s');
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
  let seen = 0;
  await stage.supervisor.replace(victim.app, async () => {
    const standIn = await stage.standIn(victim, env);
    if (stage.apis.includes(victim)) stage.rest.endAll();
    await writeFile(file, `${offset < 0 ? '' : '+'}${offset}s`);
    seen = await eventually(async () => {
      const wrongBy = await clockOf(standIn.url);
      if (Math.abs(wrongBy - offset) > 60)
        throw new Error(`the clock of ${standIn.name} is wrong by ${wrongBy} s only`);
      return wrongBy;
    });
    await delay(plan.holdMs);
    await writeFile(file, '+0s');
    await delay(plan.holdMs / 2);
    await standIn.stop();
    if (standIn.exitCode !== 0) throw new Error(`${standIn.name} ended with ${standIn.exitCode}`);
  });
  return `the clock of a stand-in of ${victim.app.name} was wrong by ${seen} s for ${plan.holdMs} ms`;
}

/** By how many seconds a process is ahead of us, by the date of its answers. */
async function clockOf(url: string): Promise<number> {
  const { headers } = await fetch(`${url}/livez`);
  return Math.round((Date.parse(headers.get('date')!) - Date.now()) / 1_000);
}
