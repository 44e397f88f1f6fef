import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { startSystem, type System } from '#testing';
import { judgeAnswer } from './judge-answer.ts';
import { oddRequestTo } from './odd-requests.ts';
import { sendRaw } from './raw-request.ts';
import { routesOf, type OpenApi, type Route } from './routes.ts';
import { RUNS, RUNS_MS, SEED } from './runs.ts';
import { SchemaValues, type Schemas } from './schema-values.ts';

let system: System;
let routes: Route[];
let schemas: Schemas;

beforeAll(async () => {
  system = await startSystem({ sockets: 0 });
  const document = (await (await fetch(`${system.api.url}/openapi.json`)).json()) as OpenApi;
  routes = routesOf(document);
  schemas = document.components.schemas;
});

it(
  'answers any request to any route with a success or a documented problem',
  async () => {
    const user = await system.user('fuzz', { scopes: ['ops', 'announce'] });
    const other = await system.user('fuzz-without-scopes');
    const room = (await user.submit('POST', '/v1/rooms', { body: { name: 'a' } })).resource.id;
    const message = (await user.createMessage('a')).resource.id;
    const action = (await user.createMessage('b')).id;
    const ids = [room, message, action];
    const types = ['messages.create', 'messages.edit', 'messages.delete', 'rooms.create', 'rooms.addMember', 'no.such'];
    const values = new SchemaValues(schemas, {
      type: types,
      resourceId: ids,
      roomId: [room],
      audience: ['everyone', 'user:fuzz', `room:${room}`],
      performMs: [0, 5],
      fault: ['reject', 'nul'],
      payload: [{ text: 'a' }, { name: 'a' }, { userId: 'a' }],
      user: ['nobody', 'somebody'],
    });
    const known = { values, ids, tokens: [user.token, other.token] };
    const wrong = new Map<string, string>();
    const seen = new Map<string, Map<string, number>>();
    const any = fc.oneof(...routes.map((route) => oddRequestTo(route, known)));
    await fc.assert(
      fc.asyncProperty(any, async (request) => {
        let answer = '';
        try { answer = await judgeAnswer(request, await sendRaw(system.api.url, request), routes); } catch (e) {
          if (!process.env['COLLECT']) throw e;
          const m = String(e).slice(0, 300); 
          if (!wrong.has(m)) wrong.set(m, fc.stringify(request).slice(0, 600));
          answer = 'WRONG';
        }
        const name = `${request.route.method} ${request.route.template}`;
        const answers = seen.get(name) ?? new Map<string, number>();
        seen.set(name, answers.set(answer, (answers.get(answer) ?? 0) + 1));
      }),
      { seed: SEED, numRuns: RUNS, endOnFailure: !process.env['SHRINK'] },
    );
    console.log([...seen].map(([n, a]) => `${n} ${[...a].map((x) => x.join('=')).join(' ')}`).join('\n'));
    for (const [a, b] of wrong) console.log('WRONG', a, '\n', b);
    expect([...seen.keys()].toSorted()).toEqual(routes.map(({ method, template }) => `${method} ${template}`).toSorted());
    system.assertUnharmed();
  },
  RUNS_MS,
);
