import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../../infra/local/ports.ts';
import { ROOT } from '../../infra/local/run-tool.ts';
import { ReadyProcess } from './ready-process.ts';
import type { SystemKind } from './system.ts';

export const STOCK_STACKS = ['propagator', 'redis-adapter', 'sharded-adapter', 'streams-adapter', 'event-bridge'];

const TABLE = `
  create table messages (
    id uuid primary key,
    author text not null,
    text text not null,
    created_at timestamptz not null default now()
  );
  create index on messages (author, created_at desc)`;

export function stock(stack: string): SystemKind {
  return {
    name: stack,
    isOurs: false,
    wire: { protocol: 'socket.io', ready: '40', outcome: '42["outcome"', beforeId: '{"id":"', hears: true },
    migrate: async ({ DATABASE_URL }) => {
      const client = new pg.Client({ connectionString: DATABASE_URL });
      await client.connect();
      await client.query(TABLE);
      await client.end();
    },
    start: async (role, instance, env) =>
      new ReadyProcess(join(ROOT, `dist/bench/stacks/app/${role}.main.js`), instance, await freePort(), {
        ...env,
        STACK: stack,
      }).start(),
  };
}
