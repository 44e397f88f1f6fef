import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Action, OutcomeEnvelope } from '#contracts';
import { startSystem, type Listener, type System, type TestUser } from '#testing';

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 2 });
});

/** Users of a test of its own, so that their offsets begin at 1. */
async function newUsers(): Promise<[alice: TestUser, bob: TestUser]> {
  const run = randomUUID().slice(0, 8);
  return [await system.user(`alice-${run}`), await system.user(`bob-${run}`)];
}

/** Something later: once its outcome is heard, whatever else was on its way would have come too. */
async function passMarker(user: TestUser, listeners: readonly Listener[]): Promise<void> {
  const marker = await user.createMessage('marker');
  for (const listener of listeners) await listener.outcomeOf(marker);
}

function withoutReplayed(outcome: OutcomeEnvelope): OutcomeEnvelope {
  const envelope = { ...outcome };
  delete envelope.replayed;
  return envelope;
}

describe('the outcome of an action', () => {
  it('reaches each socket of its owner once, on both instances, in the order of offsets, and nobody else', async () => {
    const [alice, bob] = await newUsers();
    const [first, second] = system.sockets;
    const alices = [await alice.connect(first!), await alice.connect(second!)];
    const bobs = await bob.connect(first!);
    expect(alices.map(({ session }) => session.instance)).toEqual([first!.name, second!.name]);
    expect(alices.map(({ session }) => session.recovered)).toEqual([true, true]);

    const created = await alice.createMessage('hello');
    for (const listener of alices) await listener.outcomeOf(created);
    const edited = await alice.editMessage(created.resource.id, 'hello again', { 'if-match': '"1"' });
    for (const listener of alices) await listener.outcomeOf(edited);
    const deleted = await alice.deleteMessage(created.resource.id, { 'if-match': '2' });
    for (const listener of alices) await listener.outcomeOf(deleted);
    await passMarker(alice, alices);
    await passMarker(bob, [bobs]);

    for (const listener of alices) {
      expect(listener.offsets).toEqual([1, 2, 3, 4]);
      expect(listener.actionIds.slice(0, 3)).toEqual([created.id, edited.id, deleted.id]);
      expect(listener.events).toEqual([]);
    }
    expect(alices[0]!.outcomes).toEqual(alices[1]!.outcomes);
    const [creation, edit, deletion] = alices[0]!.outcomes;
    expect(creation).toMatchObject({
      specversion: '1.0',
      source: '/tidings',
      type: 'action.succeeded',
      subject: `messages/${created.resource.id}`,
      channel: `user:${alice.id}`,
      data: { type: 'messages.create', status: 'succeeded', done: true, response: { text: 'hello', version: 1 } },
    });
    expect(creation).not.toHaveProperty('replayed');
    expect(edit!.data).toMatchObject({ type: 'messages.edit', response: { text: 'hello again', version: 2 } });
    expect(deletion!.data).toMatchObject({ type: 'messages.delete', status: 'succeeded', response: null });
    expect(bobs.offsets).toEqual([1]);
  });

  it('is announced by a 202 that says where to look, when, and from which position to listen', async () => {
    const [alice] = await newUsers();
    const { status, headers, body } = await alice.call<Action>('POST', '/v1/messages', { body: { text: 'hello' } });
    expect(status).toBe(202);
    expect(headers.get('location')).toBe(`/v1/actions/${body.id}`);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(body).toMatchObject({
      type: 'messages.create',
      status: 'pending',
      done: false,
      attempts: 0,
      cursor: expect.any(String) as string,
    });
    expect(body).not.toHaveProperty('response');
    expect(body).not.toHaveProperty('error');
  });

  it('is heard by who submits first and connects later with the cursor of the 202', async () => {
    const [alice] = await newUsers();
    const live = await alice.connect(system.sockets[0]!);
    const before = await alice.createMessage('before');
    await live.outcomeOf(before);
    const accepted = await alice.createMessage('hello');
    await live.outcomeOf(accepted);

    const late = await alice.connect(system.sockets[1]!, { cursor: accepted.cursor });
    const replayed = await late.outcomeOf(accepted);
    await passMarker(alice, [live, late]);

    expect(late.session.recovered).toBe(true);
    expect(replayed.replayed).toBe(true);
    expect(late.offsets).toEqual([2, 3]);
    expect(late.outcomes.map(withoutReplayed)).toEqual(live.outcomes.slice(1));
  });

  it('is the same in the ledger: GET of the action, for its owner only', async () => {
    const [alice, bob] = await newUsers();
    const listener = await alice.connect(system.sockets[0]!);
    const accepted = await alice.createMessage('hello');
    const { data } = await listener.outcomeOf(accepted);
    expect(await alice.action(accepted.id)).toEqual(data);
    const foreign = await bob.call('GET', `/v1/actions/${accepted.id}`);
    const missing = await bob.call('GET', `/v1/actions/${randomUUID()}`);
    expect([foreign.status, missing.status]).toEqual([404, 404]);
    expect(foreign.body).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('an action that cannot be applied', () => {
  it('fails with PRECONDITION_FAILED and the present resource when If-Match is stale', async () => {
    const [alice] = await newUsers();
    const listener = await alice.connect(system.sockets[0]!);
    const { resource } = await alice.createMessage('one');
    await alice.editMessage(resource.id, 'two');
    const stale = await alice.editMessage(resource.id, 'three', { 'if-match': '"1"' });
    const outcome = await listener.outcomeOf(stale);
    expect(outcome.type).toBe('action.failed');
    expect(outcome.data).toMatchObject({
      status: 'failed',
      error: { code: 'PRECONDITION_FAILED', current: { id: resource.id, text: 'two', version: 2 } },
    });
    expect(outcome.data).not.toHaveProperty('response');
  });

  it('fails with ALREADY_EXISTS when the chosen id is taken, be it by somebody else', async () => {
    const [alice, bob] = await newUsers();
    const alices = await alice.connect(system.sockets[0]!);
    const bobs = await bob.connect(system.sockets[1]!);
    const id = randomUUID();
    await alices.outcomeOf(await alice.createMessage('mine', { id }));
    for (const [user, listener] of [
      [alice, alices],
      [bob, bobs],
    ] as const) {
      const outcome = await listener.outcomeOf(await user.createMessage('again', { id }));
      expect(outcome.data).toMatchObject({ status: 'failed', error: { code: 'ALREADY_EXISTS' } });
      expect(JSON.stringify(outcome)).not.toContain('mine');
    }
  });

  it('fails with NOT_FOUND alike when the resource is foreign or missing, with or without If-Match', async () => {
    const [alice, bob] = await newUsers();
    const alices = await alice.connect(system.sockets[0]!);
    const bobs = await bob.connect(system.sockets[1]!);
    const created = await alice.createMessage('secret');
    await alices.outcomeOf(created);
    const errors: unknown[] = [];
    for (const id of [created.resource.id, randomUUID()]) {
      for (const headers of [{}, { 'if-match': '"1"' }, { 'if-match': '"9"' }] as Record<string, string>[]) {
        const edit = await bobs.outcomeOf(await bob.editMessage(id, 'stolen', headers));
        const deletion = await bobs.outcomeOf(await bob.deleteMessage(id, headers));
        errors.push(edit.data.error, deletion.data.error);
      }
    }
    expect(errors[0]).toMatchObject({ code: 'NOT_FOUND' });
    expect(new Set(errors.map((error) => JSON.stringify(error))).size).toBe(1);
    const read = await alice.call('GET', `/v1/messages/${created.resource.id}`);
    expect(read.body).toMatchObject({ text: 'secret', version: 1 });
    expect(read.headers.get('etag')).toBe('"1"');
    expect(alices.offsets).toEqual([1]);
  });
});
