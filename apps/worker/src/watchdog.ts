import { Worker } from 'node:worker_threads';
import { Logger } from '@nestjs/common';

const AS_INIT =
  'this is process 1, which cannot end itself when its event loop stands still: start it by an init (docker run --init)';

/** Time between two heartbeats, and between two looks at them, in milliseconds. */
const BEAT_MS = 250;

/*
 * Counts its own looks without a beat, not time: after the whole process was stopped and
 * went on (SIGSTOP, SIGCONT), the main thread gets its chance to beat first.
 */
const THREAD = `
const { writeSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
const beats = new Int32Array(workerData.beats);
let seen = -1, missed = 0;
setInterval(() => {
  const now = Atomics.load(beats, 0);
  missed = now === seen ? missed + 1 : 0;
  seen = now;
  if (missed * workerData.beatMs >= workerData.limitMs) {
    // What a thread writes to process.stderr goes through the loop that stands still.
    writeSync(2, 'the event loop stood still for ' + workerData.limitMs + ' ms: ending the process\\n');
    process.kill(process.pid, 'SIGKILL');
  }
}, workerData.beatMs);
`;

/**
 * Ends this process when its event loop stands still: a handler that computes for ever can
 * be stopped in no other way. Its ticket goes to another process, which counts the attempt.
 *
 * The first process of a container cannot be ended from inside (pid_namespaces(7)), so there it
 * has to be the child of an init, as in our images.
 */
export function watchEventLoop(limitMs: number): void {
  if (limitMs === 0) return;
  if (process.pid === 1) new Logger('Watchdog').warn(AS_INIT);
  const beats = new SharedArrayBuffer(4);
  const beat = new Int32Array(beats);
  setInterval(() => Atomics.add(beat, 0, 1), BEAT_MS).unref();
  new Worker(THREAD, { eval: true, execArgv: [], workerData: { beats, limitMs, beatMs: BEAT_MS } }).unref();
}
