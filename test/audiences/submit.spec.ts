import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import { connect, LedgerCheck, startSystem, type Listener, type System, type TestUser } from '#testing';
import { ackOf } from './ack.ts';

let system: System;
let alice: TestUser;

beforeAll(async () => {
  system = await startSystem();
  alice = await system.user('alice');
});

const create = (text: string, more: object = {}) => ({ type: 'messages.create', payload: { text }, ...more });

async function submit(listener: Listener, command: object): Promise<AcceptedAction> {
  const answer = await ackOf<{ action: AcceptedAction }>(listener, 'submit', command);
  if (!answer.ok) throw new Error(JSON.stringify(answer.problem));
  return answer.action;
}

describe('submit on a socket', () => {
  it('is acked with the accepted action, whose outcome follows on every connection', async () => {
    const [here, there] = await Promise.all(system.sockets.map((socket) => alice.connect(socket)));
    const resourceId = randomUUID();
    const action = await submit(here!, create('by socket', { resourceId }));
    expect(action).toMatchObject({
      type: 'messages.create',
      status: 'pending',
      done: false,
      resource: { type: 'messages', id: resourceId },
      cursor: expect.any(String),
    });
    for (const listener of [here!, there!]) {
      const outcome = await listener.outcomeOf(action);
      expect(outcome.data).toMatchObject({ status: 'succeeded', response: { id: resourceId, text: 'by socket' } });
    }
    expect(await alice.action(action.id)).toMatchObject({ id: action.id, status: 'succeeded' });
  });

  it('keeps the order in which one socket submitted, without waiting for acks', async () => {
    const listener = await alice.connect(system.sockets[0]!);
    const resourceId = randomUUID();
    const texts = Array.from({ length: 200 }, (_, index) => `edit ${index}`);
    const actions = await Promise.all([
      submit(listener, create('first', { resourceId })),
      ...texts.map((text) => submit(listener, { type: 'messages.edit', resourceId, payload: { text } })),
    ]);
    await listener.outcomesOf(actions, 20_000);
    const mine = new Set(actions.map(({ id }) => id));
    const heard = listener.outcomes.filter(({ data }) => mine.has(data.id));
    expect(heard.map(({ data }) => (data.response as { text: string }).text)).toEqual(['first', ...texts]);
    const ledger = new LedgerCheck(system.database);
    expect((await ledger.report()).violations).toEqual([]);
    await ledger.close();
  });

  it('gives the same action for a key that comes again, on another instance or by REST', async () => {
    const [here, there] = await Promise.all(system.sockets.map((socket) => alice.connect(socket)));
    const idempotencyKey = `key-${randomUUID()}`;
    const command = create('once', { idempotencyKey });
    const first = await submit(here!, command);
    expect((await submit(here!, command)).id).toBe(first.id);
    expect((await submit(there!, command)).id).toBe(first.id);
    const byRest = await alice.createMessage('once').then(() =>
      alice.submit('POST', '/v1/messages', {
        body: { text: 'once' },
        headers: { 'idempotency-key': idempotencyKey },
      }),
    );
    expect(byRest.id).toBe(first.id);
    expect(await ackOf(here!, 'submit', { ...command, payload: { text: 'twice' } })).toMatchObject({
      ok: false,
      problem: { code: 'IDEMPOTENCY_KEY_REUSED', status: 422 },
    });
  });

  it('checks the version that is asked for when it is applied', async () => {
    const listener = await alice.connect(system.sockets[0]!);
    const { resource } = await submit(listener, create('one'));
    const edit = { type: 'messages.edit', resourceId: resource.id, payload: { text: 'two' } };
    const good = await listener.outcomeOf(await submit(listener, { ...edit, ifMatch: '"1"' }));
    const stale = await listener.outcomeOf(await submit(listener, { ...edit, ifMatch: '1' }));
    expect(good.data.status).toBe('succeeded');
    expect(stale.data).toMatchObject({ status: 'failed', error: { code: 'PRECONDITION_FAILED' } });
    const removed = await listener.outcomeOf(
      await submit(listener, { type: 'messages.delete', resourceId: resource.id }),
    );
    expect(removed.data).toMatchObject({ status: 'succeeded', response: null });
  });

  it('needs the scope that the action needs', async () => {
    const payload = { audience: 'everyone', title: 'News', body: 'It works.' };
    const command = { type: 'announcements.create', payload };
    const listener = await alice.connect(system.sockets[0]!);
    expect(await ackOf(listener, 'submit', command)).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
    const herald = await system.user('herald', { scopes: ['announce'] });
    const other = await herald.connect(system.sockets[1]!);
    expect((await other.outcomeOf(await submit(other, command))).data.status).toBe('succeeded');
  });

  it('is not for guests', async () => {
    const guest = await connect(system.sockets[0]!.url);
    for (const command of [create('a'), null]) {
      expect(await ackOf(guest, 'submit', command)).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
    }
  });

  it.each<[string, string, unknown[]]>([
    ['', 'NOT_AN_OBJECT', []],
    ['', 'NOT_AN_OBJECT', [null]],
    ['', 'NOT_AN_OBJECT', ['messages.create']],
    ['', 'NOT_AN_OBJECT', [[create('a')]]],
    ['/type', 'UNKNOWN_TYPE', [{}]],
    ['/type', 'UNKNOWN_TYPE', [{ type: 'messages.nope', payload: {} }]],
    ['/type', 'UNKNOWN_TYPE', [{ type: { name: 'messages.create' } }]],
    ['/payload/text', 'IS_TEXT', [{ type: 'messages.create', payload: {} }]],
    ['/payload/text', 'IS_TEXT', [create('')]],
    ['/payload/text', 'IS_TEXT', [{ type: 'messages.create', payload: { text: 5 } }]],
    ['/payload/id', 'UNKNOWN_FIELD', [{ type: 'messages.create', payload: { text: 'a', id: 'x' } }]],
    ['/owner', 'UNKNOWN_FIELD', [create('a', { owner: 'bob' })]],
    ['/traceparent', 'UNKNOWN_FIELD', [create('a', { traceparent: 'x' })]],
    ['/resourceId', 'IS_UUID', [create('a', { resourceId: 'x' })]],
    ['/resourceId', 'IS_UUID', [{ type: 'messages.edit', payload: { text: 'a' } }]],
    ['/ifMatch', 'IF_MATCH', [create('a', { ifMatch: 'W/"1"' })]],
    ['/ifMatch', 'IF_MATCH', [create('a', { ifMatch: 1 })]],
    ['/idempotencyKey', 'IDEMPOTENCY_KEY', [create('a', { idempotencyKey: 'short' })]],
    ['/idempotencyKey', 'IDEMPOTENCY_KEY', [create('a', { idempotencyKey: 12345678 })]],
    ['/payload/text', 'NUL_CHARACTER', [create('a\0b')]],
    ['/payload/text', 'LONE_SURROGATE', [create('a\ud800')]],
    ['/payload', 'NO_BODY', [{ type: 'messages.delete', resourceId: randomUUID(), payload: { a: 1 } }]],
  ])('that is bad at %j is acked with %s', async (pointer, code, args) => {
    const listener = await alice.connect(system.sockets[0]!);
    const answer = await ackOf(listener, 'submit', ...args);
    expect(answer).toMatchObject({ ok: false, problem: { code: 'VALIDATION_FAILED' } });
    const { problem } = answer as { problem: { errors: { pointer: string; code: string }[] } };
    expect(problem.errors[0]).toMatchObject({ pointer, code });
    listener.close();
    system.assertUnharmed();
  });
});
