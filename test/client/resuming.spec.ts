import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fileStorage, type ClientStorage, type TidingsClient } from '#client';
import type { AcceptedAction, Goaway, OutcomeEnvelope, Session } from '#contracts';
import { eventually, startBalancer, startSystem, type StartedApp, type System } from '#testing';
import { startLine } from './line.ts';
import { newcomer, type Newcomer } from './newcomer.ts';

/** The longest until a client is back and has heard everything, in milliseconds. */
const BACK_MS = 15_000;

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 2 });
});

/** All outcomes, each once, and in the order of the channel. */
async function expectAllOnce({ heard, ids }: Newcomer, actions: readonly AcceptedAction[], first = 1): Promise<void> {
  await eventually(() => expect(ids().toSorted()).toEqual(actions.map(({ id }) => id).toSorted()), {
    timeoutMs: BACK_MS,
  });
  expect(heard.map(({ offset }) => offset)).toEqual(actions.map((_, index) => first + index));
}

async function submitMany(client: TidingsClient, count: number): Promise<AcceptedAction[]> {
  const creations = await Promise.all(
    Array.from({ length: count }, (_, index) => client.messages.create({ text: `${index}` })),
  );
  return creations.map(({ action }) => action);
}

function servingInstanceOf({ client }: Newcomer): StartedApp {
  return system.sockets.find(({ name }) => name === client.session!.instance)!;
}

/** Kept as in a browser tab; the client on it may go at any moment. */
function tabStorage(): ClientStorage {
  let text: string | null = null;
  return { read: () => text, write: (written) => void (text = written) };
}

describe('a client whose connection is cut', () => {
  it('hears all 50 outcomes that came while it was away, each once and in order', async () => {
    const line = await startLine(system.sockets[0]!);
    onTestFinished(line.close);
    const alice = newcomer(system, { socketUrl: line.url });
    const states: string[] = [];
    alice.client.on('state', (state) => states.push(state));
    await alice.client.connect();
    const before = await submitMany(alice.client, 3);
    await expectAllOnce(alice, before);

    line.cut();
    const creations = await Promise.all(
      Array.from({ length: 50 }, (_, index) => alice.client.messages.create({ text: `${index}` })),
    );
    const outcomes = Promise.all(creations.map(({ outcome }) => outcome()));
    const user = await system.user(alice.user);
    for (const { action } of creations) {
      await eventually(async () => expect(await user.action(action.id)).toMatchObject({ done: true }));
    }
    line.mend();

    await expectAllOnce(alice, [...before, ...creations.map(({ action }) => action)]);
    expect((await outcomes).map(({ status }) => status)).toEqual(creations.map(() => 'succeeded'));
    expect(alice.client.session?.recovered).toBe(true);
    expect(states).toEqual(['connecting', 'online', 'reconnecting', 'online']);
  });

  it('moves to another instance when it is told to, and goes on there', async () => {
    const alice = newcomer(system);
    const sessions: Session[] = [];
    alice.client.on('session', (session) => sessions.push(session));
    await alice.client.connect();
    const actions = await submitMany(alice.client, 5);
    alice.client.useSocket(system.sockets[1]!.url);
    actions.push(...(await submitMany(alice.client, 5)));
    await expectAllOnce(alice, actions);
    expect(await alice.client.connect()).toEqual(sessions[1]);
    expect(sessions.map(({ instance }) => instance)).toEqual(system.sockets.map(({ name }) => name));
    expect(sessions.map(({ recovered }) => recovered)).toEqual([true, true]);
  });
});

describe('a client that goes', () => {
  it.each([
    ['waits for its position until a slow listener has returned', 20],
    ['has no listener that is slow', 0],
  ])('loses nothing over a reload, and hears nothing twice: it %s', async (_, handlingMs) => {
    const storage = tabStorage();
    const before = newcomer(system, { storage });
    const handled: string[] = [];
    before.client.on('outcome', async ({ data }: OutcomeEnvelope) => {
      if (handlingMs > 0) await delay(handlingMs);
      handled.push(data.id);
    });
    await before.client.connect();
    const actions = await submitMany(before.client, 10);
    await eventually(() => expect(handled.length).toBeGreaterThanOrEqual(5));
    const drill = await before.client.resource('drills').create({ performMs: 500 });
    // What is under way now is neither seen as handled nor as answered.
    before.client.close();
    const count = handled.length;

    const after = newcomer(system, { user: before.user, storage });
    expect(after.client.pending.map(({ action }) => action?.id)).toContain(drill.action.id);
    const outcomes = after.client.pending.map((pending) => pending.outcome());
    await after.client.connect();
    const all = [...actions, drill.action].map(({ id }) => id);
    await eventually(() => expect([...handled.slice(0, count), ...after.ids()].toSorted()).toEqual(all.toSorted()));
    for (const { done } of await Promise.all(outcomes)) expect(done).toBe(true);
    expect(after.client.pending).toEqual([]);
    expect(after.client.session?.recovered).toBe(true);
  });

  it('loses nothing over a restart without an end, with its memory in a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tidings-client-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const storage = fileStorage(join(folder, 'client.json'));
    const before = newcomer(system, { storage });
    await before.client.connect();
    const first = await submitMany(before.client, 1);
    await expectAllOnce(before, first);
    const [later] = await submitMany(before.client, 1);
    // It is as if killed: what it has written so far is all there is.
    const left = storage.read()!;
    before.client.close();

    const after = newcomer(system, { user: before.user, storage: { read: () => left, write: () => undefined } });
    await after.client.connect();
    await eventually(() => expect(after.ids()).toContain(later!.id));
  });

  it('is remembered by where it listened, even when nothing had happened', async () => {
    const storage = tabStorage();
    const before = newcomer(system, { storage });
    await before.client.connect();
    before.client.close();
    const elsewhere = newcomer(system, { user: before.user });
    const actions = await submitMany(elsewhere.client, 3);
    await Promise.all(
      actions.map(({ id }) => eventually(async () => expect((await elsewhere.client.actions.get(id)).done).toBe(true))),
    );

    const after = newcomer(system, { user: before.user, storage });
    await after.client.connect();
    await expectAllOnce(after, actions);
  });
});

describe('a client on the storage of another user', () => {
  it('begins anew, and knows nothing of what was left there', async () => {
    const storage = tabStorage();
    const alice = newcomer(system, { storage });
    await alice.client.connect();
    const { action } = await alice.client.resource('drills').create({ performMs: 30_000 });
    alice.client.close();

    const bob = newcomer(system, { storage });
    const session = await bob.client.connect();
    expect([session.recovered, bob.client.pending]).toEqual([true, []]);
    await expectAllOnce(bob, await submitMany(bob.client, 2));
    expect(storage.read()).not.toContain(action.id);
  });
});

describe('a client that was given another history', () => {
  it('is told so, and learns from the ledger what became of its actions', async () => {
    const storage = tabStorage();
    const before = newcomer(system, { storage });
    const { outcome } = await before.client.messages.create({ text: 'hello' });
    const left = storage.read()!;
    await outcome();
    before.client.close();
    // A position that is none of this ledger.
    const memory = JSON.parse(left) as { cursors: string[]; pending: unknown[] };
    const foreign = Buffer.from(`${'f'.repeat(12)}.99.user:${before.user}`).toString('base64url');
    const spoiled = JSON.stringify({ ...memory, cursors: [foreign] });

    const after = newcomer(system, { user: before.user, storage: { read: () => spoiled, write: () => undefined } });
    const [pending] = after.client.pending;
    const session = await after.client.connect();
    expect(session.recovered).toBe(false);
    expect(await pending!.outcome()).toMatchObject({ status: 'succeeded' });
    const actions = await submitMany(after.client, 3);
    await expectAllOnce(after, actions, 2);
  });

  it('can begin with all that is retained', async () => {
    const before = newcomer(system);
    await before.client.connect();
    const actions = await submitMany(before.client, 3);
    await expectAllOnce(before, actions);
    const after = newcomer(system, { user: before.user, replayFromStart: true });
    await after.client.connect();
    await expectAllOnce(after, actions);
    expect(after.heard.every(({ replayed }) => replayed)).toBe(true);
  });
});

describe('when a gateway goes', { timeout: 60_000 }, () => {
  it('by SIGKILL, its clients go on at another one behind the balancer', async () => {
    const balancer = await startBalancer(system.sockets);
    const clients = Array.from({ length: 4 }, () => newcomer(system, { socketUrl: balancer.url }));
    await Promise.all(clients.map(({ client }) => client.connect()));
    const victim = servingInstanceOf(clients[0]!);
    onTestFinished(() => victim.restart());

    const before = await Promise.all(clients.map(({ client }) => submitMany(client, 10)));
    const submitting = Promise.all(clients.map(({ client }) => submitMany(client, 25)));
    await victim.kill('SIGKILL');
    const during = await submitting;
    for (const [index, one] of clients.entries()) await expectAllOnce(one, [...before[index]!, ...during[index]!]);
    expect(clients[0]!.client.session!.instance).not.toBe(victim.name);
    expect(clients.map(({ client }) => client.pending.length)).toEqual([0, 0, 0, 0]);
  });

  it('in good order, its clients are told, and go on at another one', async () => {
    const balancer = await startBalancer(system.sockets);
    const alice = newcomer(system, { socketUrl: balancer.url });
    const goaways: Goaway[] = [];
    alice.client.on('goaway', (goaway) => goaways.push(goaway));
    await alice.client.connect();
    const leaving = servingInstanceOf(alice);
    onTestFinished(() => leaving.restart());
    const stopped = leaving.stop();
    const actions = await submitMany(alice.client, 10);
    await stopped;
    await expectAllOnce(alice, actions);
    await eventually(() => expect(alice.client.state).toBe('online'));
    expect(goaways).toMatchObject([{ reason: 'drain' }]);
    expect(alice.client.session!.instance).not.toBe(leaving.name);
  });
});

describe('what was delivered', () => {
  it('is told to the server', async () => {
    const alice = newcomer(system);
    await alice.client.connect();
    await expectAllOnce(alice, await submitMany(alice.client, 3));
    const user = await system.user(alice.user);
    await eventually(async () => {
      expect((await user.call('GET', '/v1/outcomes/unread')).body).toEqual({ unread: 0 });
    });
  });

  it('is not told before it is handled', async () => {
    const alice = newcomer(system, { user: `busy-${randomUUID()}` });
    const handled: (() => void)[] = [];
    alice.client.on('outcome', () => new Promise<void>((resolve) => handled.push(resolve)));
    await alice.client.connect();
    await submitMany(alice.client, 2);
    const user = await system.user(alice.user);
    for (const unread of [2, 1, 0]) {
      await eventually(async () => expect((await user.call('GET', '/v1/outcomes/unread')).body).toEqual({ unread }), {
        timeoutMs: BACK_MS,
      });
      if (unread === 0) break;
      await eventually(() => expect(handled).toHaveLength(1));
      handled.shift()!();
    }
  });
});
