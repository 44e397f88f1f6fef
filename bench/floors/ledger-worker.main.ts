/** Floor of a ledger: the change, the outcome and its event are one statement, and then published. */
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';

const connection = { url: process.env['REDIS_URL']! };
const redis = new Redis(connection.url);
const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] });

const APPLY = {
  name: 'apply',
  text: `
    with done as (
      update actions set is_done = true where id = $1 and not is_done returning id, owner, text
    ), message as (
      insert into messages (id, author, text) select id, owner, text from done
    ), event as (
      insert into events (owner, action_id) select owner, id from done
    )
    select owner, text from done`,
};

const worker = new Worker<{ id: string }>(
  'floor',
  async ({ data: { id } }) => {
    const { rows } = await pool.query<{ owner: string; text: string }>({ ...APPLY, values: [id] });
    for (const { owner, text } of rows) {
      const outcome = JSON.stringify(['outcome', { id, status: 'succeeded', response: { id, text } }]);
      await redis.spublish(`floor:${owner}`, outcome);
    }
  },
  { connection, concurrency: 50 },
);
await worker.waitUntilReady();
console.log('ready');
