import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Server } from 'socket.io';
import { TidingsIoAdapter, type IoGuards } from './io.adapter.ts';

export interface BareIoServer {
  http: HttpServer;
  server: Server;
  port: number;
}

/** socket.io as a gateway has it, which listens, and without all the rest; for specs. */
export async function bareIoServer(guards: Partial<IoGuards> = {}): Promise<BareIoServer> {
  const http = createServer();
  const open: IoGuards = { addresses: { consumeRaw: () => Promise.resolve(undefined) }, secure: () => undefined };
  const config = { ALLOWED_ORIGINS: '*', CONNECT_TIMEOUT_MS: 1_000 };
  const server = new TidingsIoAdapter(http, config, { ...open, ...guards }).createIOServer(0);
  await once(http.listen(0), 'listening');
  return { http, server, port: (http.address() as AddressInfo).port };
}
