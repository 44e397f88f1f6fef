import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import { startSystem, type Listener, type TestUser } from '#testing';

const ACTIONS = 2_000;
const PER_SECOND = 200;
const USERS = 100;
const TICK_MS = 20;

interface Participant {
  user: TestUser;
  accepted: AcceptedAction[];
  /** One on each instance. */
  listeners: Listener[];
  /** The last submit: who edits a message waits for the 202 of the change before. */
  last: Promise<void>;
}

it(
  `answers ${ACTIONS} actions of ${USERS} users at ${PER_SECOND}/s on two instances: nothing lost, doubled, foreign or out of order`,
  { timeout: 60_000 },
  async () => {
    const system = await startSystem({ sockets: 2 });
    const participants = await Promise.all(
      Array.from({ length: USERS }, async (_, index): Promise<Participant> => {
        const user = await system.user(`user-${index}`);
        const listeners = await Promise.all(system.sockets.map((socket) => user.connect(socket)));
        return { user, listeners, accepted: [], last: Promise.resolve() };
      }),
    );

    await submitAtRate((index) => {
      const participant = participants[index % USERS]!;
      participant.last = participant.last.then(() => submitNext(participant));
      return participant.last;
    });

    const all = participants.flatMap(({ accepted }) => accepted);
    expect(new Set(all.map(({ id }) => id)).size).toBe(ACTIONS);
    for (const { user, accepted, listeners } of participants) {
      for (const listener of listeners) {
        await listener.outcomesOf(accepted);
        expect(listener.offsets).toEqual(accepted.map((_, index) => index + 1));
        expect(listener.actionIds.toSorted()).toEqual(accepted.map(({ id }) => id).toSorted());
        expect(new Set(listener.outcomes.map(({ channel, type }) => `${channel} ${type}`))).toEqual(
          new Set([`user:${user.id} action.succeeded`]),
        );
      }
      expect(listeners[0]!.outcomes).toEqual(listeners[1]!.outcomes);
    }
  },
);

/** Offers the load, whether it is answered or not, as many clients would. */
async function submitAtRate(submit: (index: number) => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  const answers: Promise<void>[] = [];
  while (answers.length < ACTIONS) {
    const due = Math.min(ACTIONS, Math.ceil(((performance.now() - startedAt) / 1_000) * PER_SECOND));
    while (answers.length < due) answers.push(submit(answers.length));
    await delay(TICK_MS);
  }
  await Promise.all(answers);
}

/** Creates, edits and deletes by turns. */
async function submitNext({ user, accepted }: Participant): Promise<void> {
  const turn = accepted.length % 4;
  const last = accepted.at(-1)?.resource.id ?? '';
  accepted.push(
    await (turn === 0
      ? user.createMessage(`message ${accepted.length}`)
      : turn === 3
        ? user.deleteMessage(last)
        : user.editMessage(last, `edit ${turn}`)),
  );
}
