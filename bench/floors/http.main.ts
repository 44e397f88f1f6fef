/** Floor of the api: node:http parses the body and answers 202; nothing is kept, nobody is told. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
  request.on('end', () => {
    const { text: message } = JSON.parse(text) as { text: string };
    const id = randomUUID();
    response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify({ id, text: message }));
  });
}).listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('ready'));
