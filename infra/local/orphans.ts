import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

let reaper: ChildProcess | undefined;

function tell(line: string): void {
  reaper ??= startReaper();
  reaper.stdin!.write(`${line}\n`);
}

function startReaper(): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('reaper.ts', import.meta.url))], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A signal to our process group must not end it before us.
    detached: true,
  });
  child.stdin.on('error', () => {});
  // Neither it nor the pipe to it keeps this process alive.
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return child;
}

/** Has a process ended, with `signal`, if this one dies without doing so itself. */
export function adopt(pid: number, signal: NodeJS.Signals): void {
  tell(`+${pid} ${signal}`);
}

/** The process has ended: its number may soon be another's. */
export function release(pid: number): void {
  tell(`-${pid}`);
}
