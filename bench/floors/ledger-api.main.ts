/** Floor of a ledger: node:http answers 202 once the action is committed, and adds its job. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Queue } from 'bullmq';
import pg from 'pg';
import { subjectOf } from './subject-of.ts';

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });
const queue = new Queue('floor', {
  connection: { url: process.env['REDIS_URL']! },
  defaultJobOptions: { removeOnComplete: true },
});

const ACCEPT = { name: 'accept', text: 'insert into actions (id, owner, text) values ($1, $2, $3)' };

createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => void (body += chunk));
  request.on('end', () => {
    const id = randomUUID();
    const { text } = JSON.parse(body) as { text: string };
    const owner = subjectOf(request.headers.authorization!.slice('Bearer '.length));
    const answer = (status: number): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ id }));
    pool
      .query({ ...ACCEPT, values: [id, owner, text] })
      .then(async () => {
        answer(202);
        await queue.add('apply', { id });
      })
      .catch(() => answer(503));
  });
}).listen(Number(process.env['PORT']), '127.0.0.1', () => console.log('ready'));
