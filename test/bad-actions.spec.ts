import { beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction, Ack, Problem } from '#contracts';
import { connect, RawSocket, startSystem, type System, type TestUser } from '#testing';
import { BAD_ACTIONS } from './bad-input/actions.ts';
import { nested } from './bad-input/bodies.ts';

let system: System;
let url: string;
let alice: TestUser;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  url = system.sockets[0]!.url;
  alice = await system.user('alice');
});

async function rawConnect(): Promise<RawSocket> {
  const raw = await RawSocket.connect(url, JSON.stringify({ token: alice.token }));
  await raw.event('session');
  return raw;
}

function expectProblem(problem: Problem | undefined, code: string, pointer?: string): void {
  expect(problem).toMatchObject({ code, title: expect.any(String) as string, detail: expect.any(String) as string });
  if (pointer === undefined) return;
  const item = { pointer, code: expect.stringMatching(/^[A-Z_]+$/) as string, detail: expect.any(String) as string };
  expect(problem?.errors).toContainEqual(item);
}

describe('an item of a batch is refused, and its neighbours are not, when it is one', () => {
  const GOOD = '{"type":"messages.create","payload":{"text":"a"}}';
  let results: { action?: AcceptedAction; problem?: Problem }[];

  beforeAll(async () => {
    const answer = await fetch(`${system.api.url}/v1/actions/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alice.token}`, 'content-type': 'application/json' },
      body: `{"actions":[${BAD_ACTIONS.flatMap(([, action]) => [action, GOOD]).join()}]}`,
    });
    ({ results } = (await answer.json()) as { results: typeof results });
  });

  it.each(BAD_ACTIONS.map((row, index) => [index, ...row] as const))(
    '%i %s',
    (index, _what, _action, code, pointer) => {
      expectProblem(results[2 * index]!.problem, code, pointer);
      expect(results[2 * index + 1]).toMatchObject({ action: { status: 'pending' } });
    },
  );
});

describe('a submit on a socket is refused when it is of an action', () => {
  let socket: RawSocket;
  let id = 0;

  beforeAll(async () => {
    socket = await rawConnect();
  });

  it.each(BAD_ACTIONS)('%s', async (_what, action, code, pointer) => {
    id += 1;
    socket.send(`42${id}["submit",${action}]`);
    const answer = (await socket.ack(id)) as Ack & { problem?: Problem };
    expect(answer.ok).toBe(false);
    expectProblem(answer.problem, code, pointer);
  });
});

it('a key that was used for another action is refused in a batch and on a socket', async () => {
  const idempotencyKey = `key-${Date.now()}`;
  const actions = ['a', 'a', 'b'].map((text) => ({ type: 'messages.create', payload: { text }, idempotencyKey }));
  const { body } = await alice.call<{ results: { problem?: Problem }[] }>('POST', '/v1/actions/batch', {
    body: { actions },
  });
  expect(body.results.map(({ problem }) => problem?.code)).toEqual([undefined, undefined, 'IDEMPOTENCY_KEY_REUSED']);
  const socket = await rawConnect();
  socket.send(`421["submit",${JSON.stringify(actions[2])}]`);
  expect(await socket.ack(1)).toMatchObject({ ok: false, problem: { code: 'IDEMPOTENCY_KEY_REUSED', status: 422 } });
});

describe.each(['submit', 'subscribe', 'unsubscribe', 'presence', 'refresh', 'mirror', 'delivered'])('%s', (event) => {
  it('acks a payload that is none, is odd or too deep, without an echo, and goes on', async () => {
    const bad = ['', ',null', ',5', ',"a"', ',["a"]', ',{}', ',{"__proto__":{}}', ',{"constructor":"SECRET"}'];
    const text = [
      ',{"channel":"a\\u0000SECRET"}',
      ',{"token":"\\ud800"}',
      ',{"more":"SECRET"}',
      ',null,{"a":"\\u0000"}',
    ];
    const socket = await rawConnect();
    const send = async (packet: string): Promise<unknown> => {
      socket.send(`427${packet}`);
      const answer = await socket.ack(7);
      socket.packets.length = 0;
      return answer;
    };
    for (const payload of [...bad, ...text]) {
      const answer = await send(`["${event}"${payload}]`);
      const refused = { ok: false, problem: { code: 'VALIDATION_FAILED', status: 400 } };
      expect({ payload, answer }).toMatchObject({ payload, answer: refused });
      expect(JSON.stringify(answer)).not.toContain('SECRET');
    }
    for (const depth of [10, 33, 1_000, 30_000]) {
      const answer = await send(`["${event}",{"a":${nested(depth)}}]`);
      expect(answer).toMatchObject({ ok: false, problem: { code: depth < 32 ? 'VALIDATION_FAILED' : 'TOO_DEEP' } });
    }
    // Bytes, where the protocol lets them stand.
    socket.send(`451-8["${event}",{"_placeholder":true,"num":0}]`);
    socket.send(Uint8Array.of(1, 2, 3));
    expect(await socket.ack(8)).toMatchObject({ ok: false, problem: { code: 'VALIDATION_FAILED' } });
    // Nobody waits for an answer.
    socket.send(`42["${event}",{"a":1}]`);
    expect(await send(`["delivered",{"cursor":"x"}]`)).toMatchObject({
      ok: false,
      problem: { code: 'CURSOR_INVALID' },
    });
    system.assertUnharmed();
  });
});

it('a room that is missing, one of others and a channel that is none are refused alike', async () => {
  const bob = await system.user('bob');
  const made = { body: { name: 'a' }, headers: { prefer: 'wait=10' } };
  const { resource } = (await bob.call<AcceptedAction>('POST', '/v1/rooms', made)).body;
  const listener = await connect(url, { token: alice.token });
  const missing = '01890a5d-ac96-774b-bcce-b302099a8057';
  for (const event of ['subscribe', 'presence'] as const) {
    const answers: unknown[] = [];
    for (const channel of [`room:${resource.id}`, `room:${missing}`, 'room:', 'room:%', 'user:bob', 'everyone', '']) {
      answers.push(await listener.socket.timeout(5_000).emitWithAck(event, { channel }));
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ ok: false, problem: { code: 'FORBIDDEN' } });
  }
  listener.close();
});
