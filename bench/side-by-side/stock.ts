import { join } from 'node:path';
import pg from 'pg';
import { ManagedProcess } from '../../infra/local/managed-process.ts';
import { freePort } from '../../infra/local/ports.ts';
import { ROOT } from '../../infra/local/run-tool.ts';
import type { AppServer, SystemKind } from './system.ts';

export const STOCK_STACKS = ['propagator', 'redis-adapter', 'sharded-adapter', 'streams-adapter', 'event-bridge'];

const TABLE = `
  create table messages (
    id uuid primary key,
    author text not null,
    text text not null,
    created_at timestamptz not null default now()
  );
  create index on messages (author, created_at desc)`;

/** A process of a stock stack; it prints `ready` when it serves. */
class StackProcess extends ManagedProcess implements AppServer {
  readonly url: string;

  constructor(main: string, instance: string, port: number, env: NodeJS.ProcessEnv) {
    super({
      name: instance,
      command: process.execPath,
      args: [join(ROOT, 'dist/bench', main)],
      env: { ...process.env, NODE_ENV: 'production', ...env, PORT: String(port) },
      isReady: () => Promise.resolve(this.logs().split('\n').includes('ready')),
    });
    this.url = `http://127.0.0.1:${port}`;
  }
}

export function stock(stack: string): SystemKind {
  return {
    name: stack,
    isOurs: false,
    wire: { protocol: 'socket.io', ready: '40', outcome: '["outcome",{"id":"', hears: true },
    migrate: async ({ DATABASE_URL }) => {
      const client = new pg.Client({ connectionString: DATABASE_URL });
      await client.connect();
      await client.query(TABLE);
      await client.end();
    },
    start: async (role, instance, env) =>
      new StackProcess(`stacks/app/${role}.main.js`, instance, await freePort(), { ...env, STACK: stack }).start(),
  };
}
