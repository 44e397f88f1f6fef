/** Floor of the queue: node:http adds a job, and answers 202 once it is done. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Queue } from 'bullmq';

const queue = new Queue('floor', {
  connection: { url: process.env['REDIS_URL']! },
  defaultJobOptions: { removeOnComplete: true },
});

createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
  request.on('end', () => {
    const id = randomUUID();
    const answer = (status: number) => (): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ id }));
    queue.add('create', JSON.parse(text) as object).then(answer(202), answer(503));
  });
}).listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('ready'));
