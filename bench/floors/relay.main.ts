/** Floor of a socket process of its own: what Redis publishes for a user goes to their plain websocket. */
import { createServer, type IncomingMessage } from 'node:http';
import { Redis } from 'ioredis';
import { WebSocketServer, type WebSocket } from 'ws';
import { subjectOf } from './subject-of.ts';

const redis = new Redis(process.env['REDIS_URL']!);
const sockets = new Map<string, WebSocket>();
redis.on('smessage', (channel: string, text: string) => sockets.get(channel)?.send(text));

const server = createServer();
const websockets = new WebSocketServer({ server, perMessageDeflate: false });
websockets.on('connection', (socket: WebSocket, { url }: IncomingMessage) => {
  const channel = `floor:${subjectOf(new URL(url!, 'ws://localhost').searchParams.get('token')!)}`;
  sockets.set(channel, socket);
  socket.on('close', () => {
    sockets.delete(channel);
    void redis.sunsubscribe(channel);
  });
  void redis.ssubscribe(channel).then(() => socket.send('hello'));
});
server.listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('ready'));
