import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Socket } from 'socket.io';
import { io } from 'socket.io-client';
import { expect, it } from 'vitest';
import type { Revocations } from '#auth';
import type { ChannelsServer } from '#channels';
import type { SocketConfig } from '#config';
import { TidingsIoAdapter } from '../gateway/io.adapter.ts';
import { SocketConnection } from '../gateway/socket-connection.ts';
import type { Audience } from './audience.ts';
import { Connections } from './connections.service.ts';

it.each(['websocket', 'polling'])('who is sent away last hears of it by %s before all is closed', async (transport) => {
  const http = createServer();
  const config = { ALLOWED_ORIGINS: '*', CONNECT_TIMEOUT_MS: 1_000, DRAIN_WINDOW_MS: 1_000 } as SocketConfig;
  const guards = { addresses: { consumeRaw: () => Promise.resolve(undefined) }, secure: () => undefined };
  const server = new TidingsIoAdapter(http, config, guards).createIOServer(0);
  await once(http.listen(0), 'listening');
  const connections = new Connections({} as ChannelsServer, {} as Audience, {} as Revocations, config);
  server.on('connection', (socket: Socket) => {
    connections.add(new SocketConnection(socket, null));
    socket.once('disconnect', () => connections.remove(socket.id));
  });

  const url = `http://localhost:${(http.address() as AddressInfo).port}`;
  const client = io(url, { transports: [transport], reconnection: false });
  const heard: unknown[] = [];
  client.onAny((...said) => heard.push(said));
  // By polling, the next poll is on its way then.
  await once(client as unknown as NodeJS.EventEmitter, 'connect');
  const gone = once(client as unknown as NodeJS.EventEmitter, 'disconnect');
  await connections.beforeApplicationShutdown();
  await server.close();
  await gone;
  expect(heard).toEqual([['goaway', { reason: 'drain', reconnectInMs: expect.any(Number) as number }]]);
});
