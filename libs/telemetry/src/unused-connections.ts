import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const LOOK_MS = 50;

/**
 * Lets a server end once it has answered: connections that are kept alive, or were opened in
 * advance (browsers do so), would hold it for minutes. Node ends those that are idle at the
 * moment of closing, and none of these.
 *
 * @param server not listening yet
 * @returns starts to end connections, as soon as the server takes no new ones
 */
export function unusedConnections(server: Server): { endWhenClosed: () => void } {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const end = (): void => {
    if (server.listening) return;
    server.closeIdleConnections();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
  return { endWhenClosed: () => void setInterval(end, LOOK_MS).unref() };
}
