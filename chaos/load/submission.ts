import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Submit } from '../history/history.ts';
import type { Recorder } from '../history/recorder.ts';
import { typeOf, type Operation } from './operation.ts';

/** What the api answered to one try. */
export type Answer = { actionId: string } | { refusal: string };

export interface Submission {
  recorder: Recorder;
  owner: string;
  operation: Operation;
  /** One try. Throws when there is no answer, or one that asks to try again. */
  send: (key: string) => Promise<Answer>;
  /** For how long it is repeated while there is no answer, in milliseconds; 0: it is sent once. */
  patienceMs: number;
}

/** Pause between two tries, in milliseconds: with jitter. */
const PAUSE_MS = 300;

/** Submits under one Idempotency-Key, as often as it takes, and keeps how it ended. */
export async function submit({ recorder, owner, operation, send, patienceMs }: Submission): Promise<Submit> {
  const key = `key-${randomUUID()}`;
  const submitted = recorder.begin({ key, owner, type: typeOf(operation), resourceId: operation.id });
  for (;;) {
    submitted.tries += 1;
    try {
      const answer = await send(key);
      if ('actionId' in answer) recorder.accept(submitted, answer.actionId);
      else recorder.refuse(submitted, answer.refusal);
      return submitted;
    } catch {
      if (performance.now() - submitted.startedAt >= patienceMs) break;
      await delay(PAUSE_MS * (0.5 + Math.random()));
    }
  }
  recorder.giveUp(submitted);
  return submitted;
}
