import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network line to an app that can be cut. */
export interface Line {
  url: string;
  /** Breaks every connection, and refuses new ones until {@link mend}. */
  cut: () => void;
  mend: () => void;
  close: () => void;
}

export async function startLine(target: { url: string }): Promise<Line> {
  const open = new Set<Socket>();
  let isCut = false;
  const track = (socket: Socket): Socket => {
    open.add(socket);
    socket.on('error', () => undefined);
    return socket.once('close', () => open.delete(socket));
  };
  const server = createServer((client) => {
    track(client);
    if (isCut) {
      client.destroy();
      return;
    }
    const app = track(connect(Number(new URL(target.url).port), '127.0.0.1'));
    client.pipe(app).pipe(client);
    client.once('close', () => app.destroy());
    app.once('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      isCut = false;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
