import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '#testing';
import { runCommand } from '../../infra/local/run-command.ts';
import type { Fault } from './fault.ts';

/** Room for what Redis writes in a run, and little more. */
const SIZE_MB = 256;

/** A file system that is soon full. */
export interface SmallDisk {
  folder: string;
  unmount: () => Promise<void>;
}

/** @throws {Error} where only root may mount */
export async function mountSmallDisk(parent: string): Promise<SmallDisk> {
  const folder = join(parent, 'small-disk');
  await mkdir(folder);
  try {
    await runCommand('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', folder]);
  } catch (cause) {
    throw new Error('a disk cannot be filled here: only root may mount a small one', { cause });
  }
  return { folder, unmount: async () => void (await runCommand('umount', ['--lazy', folder])) };
}

/** The disk of Redis is full for some time. Redis refuses to store, and goes on by itself. */
export function diskFaults({ folder }: SmallDisk): readonly Fault[] {
  const strike: Fault['strike'] = async ({ redis }, { holdMs }) => {
    const ballast = join(folder, 'ballast');
    try {
      const full = await writeFile(ballast, Buffer.alloc(SIZE_MB * 1_024 * 1_024)).then(
        () => 'it was not full',
        (error: NodeJS.ErrnoException) => error.code,
      );
      if (full !== 'ENOSPC') throw new Error(`the disk took everything: ${full}`);
      const refusal = await eventually(() => redis.refusal(), { timeoutMs: 30_000, everyMs: 100 });
      await delay(holdMs);
      return `${full} on the disk of Redis for ${holdMs} ms, which said: ${refusal}`;
    } finally {
      await rm(ballast, { force: true });
    }
  };
  return [{ name: 'disk-full', targets: ['redis'], holdMs: [3_000, 8_000], strike }];
}
