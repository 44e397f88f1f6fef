/** Floor of telling somebody: one process answers 202, and sends the outcome over a plain websocket. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';
import { subjectOf } from './subject-of.ts';

const sockets = new Map<string, WebSocket>();

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
  request.on('end', () => {
    const id = randomUUID();
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ id }));
    const { text: message } = JSON.parse(text) as { text: string };
    const user = subjectOf(request.headers.authorization!.slice('Bearer '.length));
    sockets.get(user)?.send(JSON.stringify(['outcome', { id, status: 'succeeded', response: { id, text: message } }]));
  });
});
const websockets = new WebSocketServer({ server, perMessageDeflate: false });
websockets.on('connection', (socket: WebSocket, { url }: IncomingMessage) => {
  const user = subjectOf(new URL(url!, 'ws://localhost').searchParams.get('token')!);
  sockets.set(user, socket);
  socket.on('close', () => sockets.delete(user));
  socket.send('hello');
});
server.listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('ready'));
