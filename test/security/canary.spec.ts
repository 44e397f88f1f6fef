import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConnectionRefused, connect, eventually, RawSocket, startSystem, token, type System } from '#testing';
import { ackOf } from '../audiences/ack.ts';
import { drill, submitAll } from '../processing/drills.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 1, env: { LOG_LEVEL: 'trace', MAX_ATTEMPTS: '1' } });
});

/** All that was logged, once the worker has told of an action that failed: later than all before it. */
async function logged(): Promise<string> {
  const user = await system.user('witness');
  const [action] = await submitAll(user, [drill({ fault: 'throw' })]);
  await eventually(async () => expect((await user.action(action!.id)).status).toBe('failed'));
  return [...system.apis, ...system.workers, ...system.sockets].map((app) => app.logs()).join('\n');
}

/** Everything that a server says to a token, sent in every way there is. */
async function answersTo(sent: string): Promise<string[]> {
  const [api, socket] = [system.api.url, system.sockets[0]!.url];
  const headers = { authorization: `Bearer ${sent}` };
  const said: string[] = [];
  const ask = async (url: string, init: RequestInit = {}): Promise<number> => {
    const abort = new AbortController();
    const answer = await fetch(url, { ...init, signal: abort.signal });
    said.push(JSON.stringify([...answer.headers]));
    if (answer.headers.get('content-type')?.startsWith('text/event-stream')) abort.abort();
    else said.push(await answer.text());
    return answer.status;
  };
  for (const url of [`${api}/v1/messages`, `${api}/v1/nothing`, `${api}/metrics`, `${socket}/v1/outcomes/stream`]) {
    await ask(url, { headers });
  }
  await ask(`${api}/v1/messages`, { headers: { authorization: `Basic ${sent}`, cookie: `token=${sent}` } });
  const body = JSON.stringify({ text: '' });
  await ask(`${api}/v1/messages`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body,
  });
  // Never in a URL: refused even beside a good one.
  const good = { authorization: `Bearer ${await token('alice')}` };
  for (const name of ['access_token', 'token', 'Authorization']) {
    const query = `?${name}=${encodeURIComponent(sent)}`;
    expect(await ask(`${api}/v1/messages${query}`)).toBe(401);
    expect(await ask(`${api}/v1/messages${query}`, { headers: good })).toBe(401);
    expect(await ask(`${socket}/v1/outcomes/stream${query}`, { headers: good })).toBe(401);
    const refusal = await connect(`${socket}${query}`, { reconnects: false }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ConnectionRefused);
    expect((refusal as ConnectionRefused).problem?.code).toBe('UNAUTHENTICATED');
    said.push(JSON.stringify((refusal as ConnectionRefused).problem));
  }
  await ask(`${api}/v1/${sent}`, { headers: good });
  for (const options of [{ token: sent }, { headers }]) {
    const opened = await connect(socket, { ...options, reconnects: false }).catch((error: unknown) => error);
    said.push(JSON.stringify(opened instanceof ConnectionRefused ? [opened.message, opened.problem] : {}));
  }
  const alice = await (await system.user('alice')).connect(system.sockets[0]!);
  said.push(JSON.stringify(await ackOf(alice, 'refresh', { token: sent })));
  said.push(JSON.stringify(await ackOf(alice, 'refresh', { token: sent, [sent.slice(0, 10)]: 1 })));
  const raw = await RawSocket.connect(socket, JSON.stringify({ token: [sent] }));
  await eventually(() => expect(raw.packets.length).toBeGreaterThan(1));
  said.push(...raw.packets);
  raw.close();
  return said;
}

describe('a token', () => {
  it.each([
    ['that is valid', () => token('alice')],
    ['that has expired', () => token('alice', { expiresIn: -3_600 })],
    ['of another user', () => token(`canary-${randomUUID()}`)],
    ['that was cut off', async () => (await token('alice')).slice(0, -7)],
    ['that is none', () => Promise.resolve(`canary-${randomUUID()}`)],
  ])('%s, sent in every way there is, is neither logged nor answered', async (_, make) => {
    const sent = await make();
    // The last part is the secret one; a path is told back, and is no way to send a token.
    const secret = sent.split('.').at(-1)!;
    const answers = await answersTo(sent);
    const logs = await logged();
    expect(logs).toContain('"level":40');
    expect(logs).not.toContain(secret);
    expect(answers.filter((answer) => answer.includes(secret) && !answer.includes(`/v1/${sent}`))).toEqual([]);
  });
});

/** What would be a line of its own, or command a terminal. */
const FORGED = '\r\n{"level":60,"msg":"forged"}\r\n\u001b[2J\u009b2J\u0085\u2028';

/** Says what `fetch` would not: header values as they are, as bytes. */
function send(url: string, headers: Record<string, string>, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode!);
    });
    sent.once('error', reject);
    sent.end();
  });
}

describe('line breaks and controls', () => {
  it('in headers, URLs, ids, names and payloads make no line of a log', async () => {
    const evil = await system.user(`evil${FORGED}`);
    const encoded = encodeURIComponent(FORGED);
    const bearer = { authorization: `Bearer ${evil.token}` };
    for (const { url } of [system.api, system.sockets[0]!]) {
      const headers = {
        ...bearer,
        'x-request-id': 'x\u009b2J\u0085',
        'user-agent': '\u009b2J',
        'last-event-id': '\u0085',
      };
      for (const path of [
        `/${encoded}`,
        `/v1/messages/${encoded}`,
        `/v1/outcomes?after=${encoded}`,
        '/v1/%0d%0aforged',
      ]) {
        expect(await send(url, headers, path)).toBeGreaterThanOrEqual(400);
      }
    }
    await evil.call('POST', '/v1/messages', { body: { text: FORGED, [FORGED]: FORGED } });
    await submitAll(evil, [drill({ fault: 'throw' })]);
    const listener = await evil.connect(system.sockets[0]!, { cursors: [FORGED] });
    await ackOf(listener, FORGED, FORGED);
    await ackOf(listener, 'subscribe', { channel: `room:${FORGED}` });
    await ackOf(listener, 'mirror', { event: FORGED, data: FORGED });
    await ackOf(listener, 'submit', { type: FORGED, resourceId: FORGED });
    const lines = (await logged()).split('\n');
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({ app: expect.stringMatching(/^(api|worker|socket)$/) });
      // oxlint-disable-next-line no-control-regex
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    }
  });
});
