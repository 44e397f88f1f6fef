import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction, Problem } from '#contracts';
import {
  eventually,
  privatePostgres,
  startSystem,
  type Answer,
  type Listener,
  type System,
  type TestUser,
} from '#testing';

/** The longest that a refusal may take, in milliseconds. */
const REFUSAL_MS = 5_000;

let postgres: Awaited<ReturnType<typeof privatePostgres>>;
let system: System;
let alice: TestUser;
let listeners: Listener[];

beforeAll(async () => {
  postgres = await privatePostgres();
  system = await startSystem({ sockets: 2, postgres, env: { SWEEP_AFTER_MS: '1000', SWEEP_INTERVAL_MS: '250' } });
  alice = await system.user('alice');
  listeners = await Promise.all(system.sockets.map((socket) => alice.connect(socket)));
});

afterEach(async () => {
  if (!postgres.isRunning) await bringBack();
  system.assertUnharmed();
});

/** Processes of the one that was killed may hold its memory for a moment, and let none start. */
async function bringBack(): Promise<void> {
  await eventually(() => postgres.start(), { everyMs: 200 });
}

type Submitted = Answer<AcceptedAction | Problem>;

async function submit(text: string): Promise<Submitted> {
  const startedAt = performance.now();
  const answer = await alice.call<AcceptedAction | Problem>('POST', '/v1/messages', { body: { text } });
  expect(performance.now() - startedAt).toBeLessThan(REFUSAL_MS);
  return answer;
}

function submitMany(count: number): Promise<Submitted[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => submit(`message ${index}`)));
}

function acceptedOf(answers: readonly Submitted[]): AcceptedAction[] {
  return answers.filter(({ status }) => status === 202).map(({ body }) => body as AcceptedAction);
}

/** A clear answer, and one that says when to try again. */
function expectRefused({ status, headers, body }: Submitted): void {
  expect(status).toBe(503);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(headers.get('content-type')).toContain('application/problem+json');
  expect(body).toMatchObject({ code: 'UNAVAILABLE', status: 503 });
}

async function expectReadiness(status: number): Promise<void> {
  await eventually(
    async () => {
      for (const app of [...system.apis, ...system.workers, ...system.sockets]) {
        expect((await fetch(`${app.url}/readyz`)).status).toBe(status);
        expect((await fetch(`${app.url}/livez`)).status).toBe(200);
      }
    },
    { timeoutMs: 15_000 },
  );
}

/** Each listener heard what was accepted, once; of what was refused perhaps, since its commit may be unknown. */
async function expectAnswered(accepted: readonly AcceptedAction[]): Promise<void> {
  for (const listener of listeners) {
    await listener.outcomesOf(accepted, 15_000);
    expect(listener.offsets).toEqual(listener.outcomes.map((_, index) => index + 1));
    expect(new Set(listener.actionIds).size).toBe(listener.outcomes.length);
  }
}

describe('when Postgres is killed and started again, no process ends and all goes on:', () => {
  it('submits and reads are refused with 503 and Retry-After meanwhile', async () => {
    await postgres.kill();
    for (const answer of await submitMany(50)) expectRefused(answer);
    const actions = [1, 2].map((index) => ({ type: 'messages.create', payload: { text: `message ${index}` } }));
    expectRefused(await alice.call('POST', '/v1/actions/batch', { body: { actions } }));
    for (const path of ['/v1/messages', '/v1/actions/01890a5d-ac96-774b-bcce-b302099a8057']) {
      expectRefused(await alice.call('GET', path));
    }
    await expectReadiness(503);

    await bringBack();
    await expectReadiness(200);
    const accepted = acceptedOf(await submitMany(20));
    expect(accepted).toHaveLength(20);
    await expectAnswered(accepted);
    expect(listeners.map(({ sessions }) => sessions.length)).toEqual([1, 1]);
  });

  it('what was accepted before is answered', async () => {
    const answers: Promise<Submitted[]>[] = [];
    for (let round = 0; round < 5; round += 1) {
      answers.push(submitMany(40));
      await eventually(() => expect(listeners[0]!.outcomes.length).toBeGreaterThan(0));
    }
    await answers[0];
    await postgres.kill();
    const settled = (await Promise.all(answers)).flat();
    const accepted = acceptedOf(settled);
    for (const answer of settled.filter(({ status }) => status !== 202)) expectRefused(answer);
    expect(accepted.length).toBeGreaterThanOrEqual(40);

    await bringBack();
    await expectAnswered(accepted);
  });

  it('who connects meanwhile gets in once it is back', async () => {
    await postgres.kill();
    const connecting = Promise.all(system.sockets.map((socket) => alice.connect(socket, { cursors: ['0'] })));
    expectRefused(await submit('meanwhile'));
    await bringBack();
    const late = await connecting;
    await expectReadiness(200);
    const marker = await alice.createMessage('marker');
    await expectAnswered([marker]);
    for (const listener of late) {
      await listener.outcomeOf(marker);
      expect(listener.actionIds).toEqual(listeners[0]!.actionIds);
      expect(listener.offsets).toEqual(listeners[0]!.offsets);
    }
  });
});
