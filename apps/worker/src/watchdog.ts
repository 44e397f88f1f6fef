import { Worker } from 'node:worker_threads';

/** Time between two heartbeats, and between two looks at them, in milliseconds. */
const BEAT_MS = 250;

/*
 * Counts its own looks without a beat, not time: after the whole process was stopped and
 * went on (SIGSTOP, SIGCONT), the main thread gets its chance to beat first.
 */
const THREAD = `
const { workerData } = require('node:worker_threads');
const beats = new Int32Array(workerData.beats);
let seen = -1, missed = 0;
setInterval(() => {
  const now = Atomics.load(beats, 0);
  missed = now === seen ? missed + 1 : 0;
  seen = now;
  if (missed * workerData.beatMs >= workerData.limitMs) {
    process.stderr.write('the event loop stood still for ' + workerData.limitMs + ' ms: ending the process\\n');
    process.kill(process.pid, 'SIGKILL');
  }
}, workerData.beatMs);
`;

/**
 * Ends this process when its event loop stands still: a handler that computes for ever can
 * be stopped in no other way. Its ticket goes to another process, which counts the attempt.
 */
export function watchEventLoop(limitMs: number): void {
  if (limitMs === 0) return;
  const beats = new SharedArrayBuffer(4);
  const beat = new Int32Array(beats);
  setInterval(() => Atomics.add(beat, 0, 1), BEAT_MS).unref();
  new Worker(THREAD, { eval: true, workerData: { beats, limitMs, beatMs: BEAT_MS } }).unref();
}
