/**
 * Generated input, bad and odd, over every route of the OpenAPI document, every event of the
 * AsyncAPI document, the handshake and the event stream: what is new there is tried too.
 *
 *     FUZZ_RUNS=10000 FUZZ_SEED=7 npm test -- test/generated
 *
 * says ten thousand inputs instead of a thousand, from another seed. A failure tells the seed
 * and the shortest input that fails: the same seed and number say the same again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '#testing';
import { actionTypesOf, commandsOf, type AsyncApi, type Command } from './commands.ts';
import { Conversation } from './conversation.ts';
import { oddHandshake, shakeHands } from './handshakes.ts';
import { InspectedApp, type Memory } from './inspected-app.ts';
import { judgeAnswer } from './judge-answer.ts';
import { oddEvent } from './odd-events.ts';
import { oddRequestTo, type Known } from './odd-requests.ts';
import { sendRaw } from './raw-request.ts';
import { routesOf, STREAM, type OpenApi, type Route } from './routes.ts';
import { RUNS, RUNS_MS, sayAll, SEED, Tally } from './runs.ts';
import { SchemaValues } from './schema-values.ts';

/** What a process may hold after the second half beyond what it held after the first, in bytes. */
const GROWTH = { heapUsed: 8 * 1024 * 1024, rss: 48 * 1024 * 1024 };

let system: System;
let apps: Record<'api' | 'socket' | 'worker', InspectedApp>;
let known: Known;
let routes: Route[];
let commands: Command[];
/** What commands are made of. */
let payloads: SchemaValues;
const tally = new Tally();
const memories: Record<string, Memory>[] = [];

beforeAll(async () => {
  system = await startSystem({ apis: 0, workers: 0, sockets: 0 });
  const api = await InspectedApp.start(system, 'api');
  const socket = await InspectedApp.start(system, 'socket');
  const worker = await InspectedApp.start(system, 'worker');
  apps = { api, socket, worker };
  const user = await system.user('fuzz', { scopes: ['ops', 'announce'] });
  const stranger = await system.user('fuzz-without-scopes');
  const room = await user.submit('POST', '/v1/rooms', { body: { name: 'a' } });
  const message = await user.createMessage('a');
  const openApi = (await (await fetch(`${api.url}/openapi.json`)).json()) as OpenApi;
  const asyncApi = (await (await fetch(`${api.url}/asyncapi.json`)).json()) as AsyncApi;
  routes = routesOf(openApi);
  commands = commandsOf(asyncApi);
  const ids = [room.resource.id, message.resource.id, message.id];
  const roomChannel = `room:${room.resource.id}`;
  const hints = {
    type: actionTypesOf(commands),
    resourceId: ids,
    roomId: [room.resource.id],
    channel: [roomChannel, 'everyone', 'user:fuzz'],
    audience: [roomChannel, 'everyone', 'user:fuzz'],
    token: [user.token, 'x.y.z'],
    cursor: [message.cursor, '0', 'x'],
    ifMatch: ['1', '"2"', 'W/"1"'],
    // Nobody whose token is used here.
    user: ['nobody'],
    // A worker that is killed, blocked or kept waiting is no matter of input.
    performMs: [0, 5],
    fault: ['reject', 'nul'],
  };
  payloads = new SchemaValues(asyncApi.components.schemas, hints);
  const bodies = new SchemaValues(openApi.components.schemas, {
    ...hints,
    payload: [{ text: 'a' }, { name: 'a' }, {}],
  });
  known = { values: bodies, ids, tokens: [user.token, stranger.token] };
}, 120_000);

afterAll(() => console.log(`${RUNS} inputs of the seed ${SEED}\n${String(tally)}\n${JSON.stringify(memories)}`));

describe.each([1, 2])('half %i of all input:', (half) => {
  it('a request to any route is answered with a success or a documented problem', { timeout: RUNS_MS }, async () => {
    const requests = fc.oneof(...routes.map((route) => oddRequestTo(route, known)));
    const said = sayAll(requests, { share: 0.25, half }, async (request) => {
      const answer = await sendRaw(apps.api.url, request);
      tally.add(request.route.name, await judgeAnswer(request, answer, routes));
    });
    await expect(said).resolves.toBeUndefined();
  });

  it('a request to the event stream is, too', { timeout: RUNS_MS }, async () => {
    const said = sayAll(oddRequestTo(STREAM, known), { share: 0.05, half }, async (request) => {
      const answer = await sendRaw(apps.socket.url, request);
      tally.add(STREAM.name, await judgeAnswer(request, answer, [STREAM]));
    });
    await expect(said).resolves.toBeUndefined();
  });

  it('any event is acked, and who sends none is disconnected at the most', { timeout: RUNS_MS }, async () => {
    const conversation = new Conversation(apps.socket.url, JSON.stringify({ token: known.tokens[0] }));
    const said = sayAll(oddEvent(commands, payloads), { share: 0.17, half }, async (event) => {
      const answer = await conversation.say(event);
      tally.add(commands.some((command) => command.event === event.event) ? event.event : 'other events', answer);
    });
    await expect(said).resolves.toBeUndefined();
    conversation.close();
  });

  it('any handshake is answered', { timeout: RUNS_MS }, async () => {
    const said = sayAll(oddHandshake(known.tokens[0]!), { share: 0.03, half }, async (auth) =>
      tally.add('handshake', await shakeHands(apps.socket.url, auth)),
    );
    await expect(said).resolves.toBeUndefined();
  });

  it('the processes are the same as before', async () => {
    expect(() => system.assertUnharmed()).not.toThrow();
    const of = async ([name, app]: [string, InspectedApp]): Promise<[string, Memory]> => [name, await app.memory()];
    memories.push(Object.fromEntries(await Promise.all(Object.entries(apps).map(of))));
  });
});

it('every route and every event was tried', () => {
  const all = [...routes.map(({ name }) => name), STREAM.name, ...commands.map(({ event }) => event)];
  expect(tally.asked).toEqual(expect.arrayContaining(all));
});

it('memory is the same after the second half as after the first', () => {
  const [before, after] = memories as [Record<string, Memory>, Record<string, Memory>];
  for (const [name, { heapUsed, rss }] of Object.entries(after)) {
    expect(heapUsed - before[name]!.heapUsed, `the heap of ${name} has grown`).toBeLessThan(GROWTH.heapUsed);
    expect(rss - before[name]!.rss, `${name} has grown`).toBeLessThan(GROWTH.rss);
  }
});
