import { createServer } from 'node:net';

// Below the range from which systems take the ports of outgoing connections: a server that is
// down for a moment must find its port free when it comes back.
const LOWEST = 20_000;
const HIGHEST = 29_999;

/** Whether nobody listens on a TCP port of the loopback address. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port of the loopback address that nobody listens on, outside the range of outgoing connections. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (await isFree(port)) return port;
  }
}
