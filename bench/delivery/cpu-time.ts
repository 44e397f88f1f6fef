import { readdir, readFile } from 'node:fs/promises';

/** Of the fields of `/proc/<pid>/stat` after the name: parent, own and waited-for children's time (proc(5)). */
const PARENT = 1;
const TIMES = [11, 12, 13, 14];

/** The kernel counts in hundredths of a second. */
const TICK_MS = 10;

/** CPU time of a process and its children, in milliseconds; 0 where the system has no `/proc`. */
export async function cpuTimeMs(pid: number): Promise<number> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map(async (each) => ({ pid: Number(each), fields: await statOf(each) })));
  const family = stats.filter((each) => each.pid === pid || Number(each.fields[PARENT]) === pid);
  const ticks = family.flatMap(({ fields }) => TIMES.map((index) => Number(fields[index] ?? 0)));
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_MS;
}

async function statOf(pid: string): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name of the command, in parentheses, may itself hold spaces and parentheses.
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
