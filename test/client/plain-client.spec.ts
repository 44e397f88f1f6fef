import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Socket } from 'socket.io-client';
import { expect, it, onTestFinished } from 'vitest';
import type { Envelope, OutcomeEnvelope } from '#contracts';
import { eventually, startSystem } from '#testing';
import { ROOT } from '../../infra/local/run-tool.ts';
import { newRoom } from '../rooms/room.ts';
import { startLine } from './line.ts';

/** What the code of docs/clients.md leaves to who copies it. */
interface Blanks {
  url: string;
  currentToken: () => string;
  handle: (name: string, envelope: Envelope | OutcomeEnvelope) => void;
  reloadEverything: (reasons: unknown) => void;
  renewToken: () => Promise<void>;
}

interface PlainClient {
  socket: Socket;
  enter: (roomId: string) => void;
}

/** The client of docs/clients.md as a function. */
async function readClient(): Promise<(blanks: Blanks) => PlainClient> {
  const text = await readFile(join(ROOT, 'docs/clients.md'), 'utf8');
  const [, imports, code] = /^## Cursors, and reconnecting$.*?^```js\n(import [^\n]+)\n(.*?)^```$/ms.exec(text)!;
  const blanks = '{ url, currentToken, handle, reloadEverything, renewToken }';
  const file = join(process.env['TEST_FOLDER']!, 'plain-client.mjs');
  await writeFile(file, `${imports}\nexport function start(${blanks}) {\n${code}\nreturn { socket, enter };\n}\n`);
  return ((await import(file)) as { start: (blanks: Blanks) => PlainClient }).start;
}

it('the plain client of the documentation hears each outcome, and each event of its room, once, over reconnects', async () => {
  const system = await startSystem({ sockets: 1 });
  const alice = await system.user('alice');
  const room = await newRoom(alice);
  const line = await startLine(system.sockets[0]!);
  const heard: string[] = [];
  const start = await readClient();
  const { socket, enter } = start({
    url: line.url,
    currentToken: () => alice.token,
    handle: (name, { channel, offset, type }) => {
      if (offset !== undefined) heard.push(`${name} ${channel === `room:${room}` ? 'room' : channel} ${type}`);
    },
    reloadEverything: (reasons) => heard.push(`lost ${JSON.stringify(reasons)}`),
    renewToken: () => Promise.resolve(),
  });
  onTestFinished(() => {
    socket.disconnect();
    line.close();
  });
  const sessions: unknown[] = [];
  socket.on('session', (session) => sessions.push(session));
  const back = (count: number): Promise<void> => eventually(() => expect(sessions).toHaveLength(count));
  await back(1);
  enter(room);
  await eventually(async () => {
    const { users } = (await socket.emitWithAck('presence', { channel: `room:${room}` })) as { users: string[] };
    expect(users).toEqual(['alice']);
  });
  const expected: string[] = [];
  for (const count of [2, 3]) {
    line.cut();
    // While nobody hears it.
    await alice.createMessage('hello', { roomId: room });
    line.mend();
    await back(count);
    expected.push('outcome user:alice action.succeeded', 'event room message.created');
    await eventually(() => expect(heard.toSorted()).toEqual(expected.toSorted()));
  }
}, 180_000);
