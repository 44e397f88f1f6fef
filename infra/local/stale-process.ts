import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runCommand } from './run-command.ts';

const FILE = 'process.json';
const GRACE_MS = 10_000;

interface Note {
  pid: number;
  /** What the system calls it: tells it from another process that got the same number later. */
  command: string;
}

/** Notes which process uses a folder. */
export async function noteProcess(folder: string, pid: number): Promise<void> {
  await writeFile(join(folder, FILE), JSON.stringify({ pid, command: await commandOf(pid) } satisfies Note));
}

/** The process that was noted for a folder, if it still runs. */
export async function notedProcess(folder: string): Promise<number | undefined> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => '');
  if (text === '') return undefined;
  const { pid, command } = JSON.parse(text) as Note;
  return command !== '' && (await commandOf(pid)) === command ? pid : undefined;
}

/** Ends what an earlier run left behind in a folder, and waits for its end. */
export async function endStale(folder: string, signal: NodeJS.Signals): Promise<void> {
  const pid = await notedProcess(folder);
  if (pid !== undefined) {
    process.kill(pid, signal);
    const deadline = Date.now() + GRACE_MS;
    while ((await commandOf(pid)) !== '' && Date.now() < deadline) await delay(50);
  }
  await rm(join(folder, FILE), { force: true });
}

/** The command line of a process, or an empty text when there is none. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return runCommand('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => '');
}
