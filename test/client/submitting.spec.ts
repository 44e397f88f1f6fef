import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { createClient, TidingsError, type PendingAction } from '#client';
import { eventually, startSystem, token, type System } from '#testing';
import { newcomer } from './newcomer.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
});

describe('outcome() of a submitted action', () => {
  it('gives the resource after a create and an edit, and null after a delete', async () => {
    const { client, ids } = newcomer(system);
    await client.connect();

    const creation = await client.messages.create({ text: 'hello' });
    const created = await creation.outcome();
    expect(creation.action).toMatchObject({ type: 'messages.create', status: 'pending' });
    expect(created).toMatchObject({ status: 'succeeded', response: { text: 'hello', version: 1 } });

    const { id } = created.response!;
    const edit = await client.messages.edit(id, { text: 'again' }, { ifMatch: 1 });
    expect(await edit.outcome()).toMatchObject({ status: 'succeeded', response: { id, text: 'again', version: 2 } });
    expect(await client.messages.get(id)).toMatchObject({ text: 'again' });
    expect((await client.messages.list({ limit: 10 })).data.map((message) => message.id)).toEqual([id]);

    const deletion = await client.messages.delete(id);
    expect(await deletion.outcome()).toMatchObject({ status: 'succeeded', response: null });
    await expect(client.messages.get(id)).rejects.toMatchObject({ code: 'NOT_FOUND', status: 404 });
    expect(ids()).toEqual([creation, edit, deletion].map(({ action }) => action.id));
  });

  it('resolves for a failed action, too', async () => {
    const { client } = newcomer(system);
    await client.connect();
    const edit = await client.messages.edit(randomUUID(), { text: 'of nothing' });
    expect(await edit.outcome()).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' } });
  });

  it('resolves for a cancelled action, which the list of pending actions holds until then', async () => {
    const { client } = newcomer(system);
    const lists: (readonly PendingAction[])[] = [];
    client.on('pending', (pending) => lists.push(pending));
    await client.connect();
    const drill = await client.resource('drills').create({ performMs: 30_000 });
    expect(client.pending).toMatchObject([
      { type: 'drills.create', payload: { performMs: 30_000 }, action: { id: drill.action.id } },
    ]);

    expect(await drill.cancel()).toMatchObject({ status: 'cancelled' });
    expect(await drill.outcome()).toMatchObject({ status: 'cancelled', error: { code: 'CANCELLED' } });
    expect(client.pending).toEqual([]);
    expect(lists.map((list) => list.length)).toEqual([1, 1, 0]);
  });

  it('comes from the ledger without a connection', async () => {
    const { client } = newcomer(system);
    const { outcome } = await client.messages.create({ text: 'hello' });
    expect(client.state).toBe('offline');
    expect(await outcome()).toMatchObject({ status: 'succeeded' });
  });

  it('is heard by who submits first and connects later', async () => {
    const { client, ids } = newcomer(system);
    const creations = await Promise.all(['a', 'b', 'c'].map((text) => client.messages.create({ text })));
    for (const { outcome } of creations) await outcome();
    await client.connect();
    await eventually(() => expect(ids().toSorted()).toEqual(creations.map(({ action }) => action.id).toSorted()));
  });

  it('is heard by who submits while the connection is made', async () => {
    const { client, ids } = newcomer(system);
    const connected = client.connect();
    const creations = await Promise.all(Array.from({ length: 10 }, (_, i) => client.messages.create({ text: `${i}` })));
    await connected;
    await eventually(() => expect(ids().toSorted()).toEqual(creations.map(({ action }) => action.id).toSorted()));
  });

  it('is one for the same idempotency key, now or later', async () => {
    const { client, heard } = newcomer(system);
    await client.connect();
    const options = { idempotencyKey: randomUUID() };
    const twice = await Promise.all([1, 2].map(() => client.messages.create({ text: 'once' }, options)));
    const outcomes = await Promise.all(twice.map(({ outcome }) => outcome()));
    const later = await client.messages.create({ text: 'once' }, options);
    expect(await later.outcome()).toEqual(outcomes[0]);
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(heard).toHaveLength(1);
    expect(client.pending).toEqual([]);
  });

  it('rejects when the client is closed', async () => {
    const { client } = newcomer(system);
    await client.connect();
    const { outcome } = await client.resource('drills').create({ performMs: 60_000 });
    const waiting = outcome();
    client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' });
    expect(client.state).toBe('offline');
  });
});

describe('a submit', () => {
  it('rejects with the problem of the server, and is not pending then', async () => {
    const { client } = newcomer(system);
    const refused = await client.messages.create({ text: '' }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(TidingsError);
    expect(refused).toMatchObject({ code: 'VALIDATION_FAILED', status: 400, errors: [{ pointer: '/text' }] });
    expect(client.pending).toEqual([]);
  });

  it('keeps the order of edits of one resource that nobody waited for', async () => {
    const { client } = newcomer(system);
    await client.connect();
    const id = randomUUID();
    const creation = client.messages.create({ text: 'first' }, { id });
    const edits = Array.from({ length: 10 }, (_, i) => client.messages.edit(id, { text: `edit ${i}` }));
    const outcomes = await Promise.all([creation, ...edits].map(async (submitted) => (await submitted).outcome()));
    expect(outcomes.map(({ response }) => response?.version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect((await client.messages.get(id)).text).toBe('edit 9');
  });
});

describe('outcomes()', () => {
  it('gives the outcomes one by one, and ends with the client', async () => {
    const { client } = newcomer(system);
    await client.connect();
    const outcomes = client.outcomes();
    const creations = await Promise.all([1, 2, 3].map((i) => client.messages.create({ text: `${i}` })));
    const heard: string[] = [];
    for await (const { data } of outcomes) {
      heard.push(data.id);
      if (heard.length === creations.length) client.close();
    }
    expect(heard.toSorted()).toEqual(creations.map(({ action }) => action.id).toSorted());
  });
});

describe('a token', () => {
  it('that was given is used until it is about to expire, and brought anew to the connection', async () => {
    let asked = 0;
    const { client, user } = newcomer(system, {
      user: `short-${randomUUID()}`,
      token: () => ((asked += 1), token(user, { expiresIn: 8 })),
    });
    const states: string[] = [];
    const { instance } = await client.connect();
    client.on('state', (state) => states.push(state));
    await eventually(() => expect(asked).toBeGreaterThanOrEqual(3), { timeoutMs: 45_000 });
    expect(states).toEqual([]);
    expect(client.session).toMatchObject({ instance });
    const { outcome } = await client.messages.create({ text: 'late' });
    expect(await outcome()).toMatchObject({ status: 'succeeded' });
  });

  it('that has expired is replaced, by REST and on the socket', async () => {
    const user = `expired-${randomUUID()}`;
    for (const use of ['rest', 'socket'] as const) {
      const tokens = [await token(user, { expiresIn: -60 }), await token(user)];
      const { client } = newcomer(system, { token: () => tokens.shift()! });
      if (use === 'rest') await client.messages.list();
      else await client.connect();
      expect(tokens).toEqual([]);
    }
  });

  it('that is refused although it is fresh ends the connection for good', async () => {
    const client = createClient({
      baseUrl: system.api.url,
      socketUrl: system.sockets[0]!.url,
      token: () => 'nonsense',
    });
    const errors: TidingsError[] = [];
    client.on('error', (error) => errors.push(error));
    await expect(client.connect()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
    expect(client.state).toBe('offline');
    expect(errors.map(({ code }) => code)).toEqual(['UNAUTHENTICATED']);
    await expect(client.messages.list()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
    client.close();
  });
});
