import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { eventually } from '#testing';
import { StreamConnection } from './stream-connection.ts';
import { StreamHub } from './stream-hub.ts';

const ALICE = { userId: 'alice', scopes: new Set<string>(), tokenId: undefined, issuedAt: 0, expiresAt: 4_000_000_000 };

it('a stream that has to end does not wait for a client that does not read', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  client.pause();
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  const connection = new StreamConnection(response, new StreamHub(), ALICE);
  connection.write('x'.repeat(16 * 1024 * 1024));
  await eventually(() => expect(connection.waiting.bytes).toBeGreaterThan(0));
  const closed = once(response, 'close');
  connection.end('token_expired', 0);
  await closed;
  client.destroy();
  server.close();
});
