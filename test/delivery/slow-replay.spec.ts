import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { CURSOR_BEGINNING, userChannel } from '#contracts';
import { atEndOfFile, eventually, LedgerCheck, startSystem, type StartedApp, type System } from '#testing';
import { EventStream } from './event-stream.ts';
import { upTo } from './sequence.ts';

/** Of each event, in bytes: nearly as much as a request may bring. */
const SIZE = 90_000;
const EVENTS = 300;

const APPEND = `
with made as (
  insert into events (id, channel, "offset", type, subject, data, created_at)
  select uuidv7(), $1::text, n, 'announcement', 'announcements/' || n, json_build_object('title', repeat('x', $3)), now()
  from generate_series(1, $2::bigint) as n
  returning id, channel, "offset"
)
insert into channels (channel, head, head_check)
select channel, "offset", right(id::text, 12) from made where "offset" = $2`;

let system: System;
let socket: StartedApp;

beforeAll(async () => {
  system = await startSystem({ sockets: 1, workers: 0 });
  socket = system.sockets[0]!;
});

/** A line that carries a chunk every few milliseconds, and makes whoever sends more wait. */
async function narrowLine(): Promise<{ url: string }> {
  const target = new URL(socket.url);
  const server = createServer((client) => {
    const there = connect(Number(target.port), target.hostname);
    client.pipe(there);
    there.on('data', (chunk) => {
      client.write(chunk);
      there.pause();
      setTimeout(() => there.resume(), 5);
    });
    there.once('close', () => client.destroy());
    client.once('close', () => there.destroy());
    for (const each of [client, there]) each.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEndOfFile(async () => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('who reads all the time, though slowly, is replayed to in one go:', { timeout: 120_000 }, () => {
  it('large events on a socket and on a stream', async () => {
    const user = await system.user('slow');
    const ledger = new LedgerCheck(system.database);
    await ledger.query(APPEND, [userChannel(user.id), EVENTS, SIZE]);
    await ledger.close();
    const line = await narrowLine();
    const listener = await user.connect(line, { cursor: CURSOR_BEGINNING });
    const stream = await EventStream.open(line, { token: user.token, after: CURSOR_BEGINNING });
    await eventually(() => expect(listener.events).toHaveLength(EVENTS), { timeoutMs: 50_000 });
    expect(listener.goaways).toEqual([]);
    expect(listener.sessions).toHaveLength(1);
    expect(listener.events.map(({ offset }) => offset)).toEqual(upTo(EVENTS));
    await eventually(() => expect(stream.events).toHaveLength(1 + EVENTS), { timeoutMs: 50_000 });
    stream.close();
  });
});
