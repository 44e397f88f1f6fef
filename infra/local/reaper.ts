/**
 * Ends the processes of a runner that died without a chance to do it (SIGKILL, out of
 * memory). It runs beside the runner, in a process group of its own, and reads from it:
 *
 *   +<pid> <signal>   this process is mine, and that signal ends it in an orderly way
 *   -<pid>            it has ended
 *
 * The end of its input means that the runner is gone.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const GRACE_MS = 5_000;
const living = new Map<number, NodeJS.Signals>();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [pid, signal] = line.slice(1).split(' ');
  if (line.startsWith('+')) living.set(Number(pid), signal as NodeJS.Signals);
  else living.delete(Number(pid));
}

for (const [pid, signal] of living) {
  send(pid, signal);
  // A stopped process takes its signal only once it goes on.
  send(pid, 'SIGCONT');
}
const deadline = Date.now() + GRACE_MS;
while ([...living.keys()].some((pid) => send(pid, 0)) && Date.now() < deadline) await delay(100);
for (const pid of living.keys()) send(pid, 'SIGKILL');

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
