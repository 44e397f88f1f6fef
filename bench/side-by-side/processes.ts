import { readdir, readFile } from 'node:fs/promises';

/** The kernel counts in hundredths of a second (proc(5)). */
const TICK_MS = 10;

/** Of the fields of `/proc/<pid>/stat` after the name: the parent; own times; times of children that ended and were waited for. */
const PARENT = 1;
const TIMES = [11, 12, 13, 14];

/** Of the fields of the first line of `/proc/stat`: what is not idling or waiting for disks. */
const BUSY = [1, 2, 3, 6, 7, 8];

/** What all processes of the machine have used until one moment. */
export class ProcessTimes {
  readonly #processes: ReadonlyMap<number, { parent: number; cpuMs: number }>;
  /** CPU time of the whole machine, in milliseconds, over all cores. */
  readonly machineMs: number;
  readonly at = performance.now();

  private constructor(processes: ReadonlyMap<number, { parent: number; cpuMs: number }>, machineMs: number) {
    this.#processes = processes;
    this.machineMs = machineMs;
  }

  static async read(): Promise<ProcessTimes> {
    const machine = (await readFile('/proc/stat', 'utf8')).split('\n')[0]!.split(/\s+/);
    const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const processes = new Map<number, { parent: number; cpuMs: number }>();
    for (const name of names) {
      const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      // The name of the command, in parentheses, may itself hold spaces and parentheses.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const ticks = TIMES.reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
      processes.set(Number(name), { parent: Number(fields[PARENT]), cpuMs: ticks * TICK_MS });
    }
    const busy = BUSY.reduce((sum, index) => sum + Number(machine[index]), 0);
    return new ProcessTimes(processes, busy * TICK_MS);
  }

  /** Cores that were busy, since an earlier moment, with what does not descend from this process. */
  foreignSince(earlier: ProcessTimes): number {
    const own = this.of([process.pid]) - earlier.of([process.pid]);
    return Math.max(0, (this.machineMs - earlier.machineMs - own) / (this.at - earlier.at));
  }

  /** CPU time of processes and all that descend from them, in milliseconds. */
  of(pids: readonly number[]): number {
    const family = new Set(pids);
    for (let size = 0; size !== family.size;) {
      size = family.size;
      for (const [pid, { parent }] of this.#processes) if (family.has(parent)) family.add(pid);
    }
    return [...family].reduce((sum, pid) => sum + (this.#processes.get(pid)?.cpuMs ?? 0), 0);
  }
}

/** Memory of a process that is in RAM, in KiB. */
export async function residentKiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
}
