import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { atEndOfFile } from './cleanup.ts';

/** Stands in front of several instances, as the balancer of an installation does. */
export interface Balancer {
  url: string;
}

/**
 * Starts a balancer that gives each connection to the instance that had the fewest so far,
 * and to another one when that does not answer. It ends with the test file.
 */
export async function startBalancer(targets: readonly { url: string }[]): Promise<Balancer> {
  const given = new Map(targets.map(({ url }) => [url, 0]));
  const open = new Set<Socket>();
  const server = createServer((client) => {
    track(client);
    const order = [...given].toSorted(([, a], [, b]) => a - b).map(([url]) => url);
    tryNext(client, order);
  });

  const track = (socket: Socket): void => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  };
  const tryNext = (client: Socket, [url, ...others]: string[]): void => {
    if (url === undefined) return void client.destroy();
    const target = connect(Number(new URL(url).port), '127.0.0.1');
    track(target);
    target.once('connect', () => {
      given.set(url, given.get(url)! + 1);
      client.pipe(target).pipe(client);
      client.once('close', () => target.destroy());
      target.once('close', () => client.destroy());
      target.removeListener('error', next);
    });
    const next = (): void => tryNext(client, others);
    target.once('error', next);
  };

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEndOfFile(async () => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
