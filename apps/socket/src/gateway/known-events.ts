import type { Event } from 'socket.io';
import { inspectJson } from '#actions';
import { ProblemError } from '#contracts';
import { ackProblem } from './problem.ack.ts';

/** The events that clients may send. */
const KNOWN = new Set(['submit', 'subscribe', 'unsubscribe', 'presence', 'refresh', 'mirror', 'delivered']);

/** Lets only known events with decent payloads through; every other is acked with its problem. */
export function refuseUnknownEvents([name, ...args]: Event, next: () => void): void {
  try {
    if (!KNOWN.has(name)) throw new ProblemError('UNKNOWN_EVENT', `Known events are: ${[...KNOWN].join(', ')}`);
    for (const argument of args) if (typeof argument !== 'function') inspectJson(argument);
    next();
  } catch (error) {
    ackProblem(args, error instanceof ProblemError ? error : new ProblemError('INTERNAL'));
  }
}
