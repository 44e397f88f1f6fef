import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { AppProcess, type AppName } from '../../infra/local/app-process.ts';
import { freePort } from '../../infra/local/ports.ts';
import { LedgerCheck } from '../../libs/testing/src/ledger-check.ts';
import { signToken } from '../sign-token.ts';
import type { Figure } from './figure.ts';

/** The servers that all measurements share. */
export interface Servers {
  redis: string;
  postgres: string;
  migrate: (url: string) => Promise<void>;
}

export interface Drill {
  type: 'drills.edit';
  resourceId: string;
  payload: { performMs?: number; fault?: 'throw' | 'exit'; faultyAttempts?: number; inPerform?: boolean };
}

export function drill(payload: Drill['payload'] = {}, resourceId: string = randomUUID()): Drill {
  return { type: 'drills.edit', resourceId, payload };
}

const MOST_IN_BATCH = 1_000;
const SECRET = randomBytes(32).toString('hex');

/** An api and workers as processes, with a database of their own. */
export class Installation {
  static readonly #running = new Set<Installation>();
  readonly apis: AppProcess[] = [];
  readonly workers: AppProcess[] = [];
  readonly ledger: LedgerCheck;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(redis: string, database: string, env: NodeJS.ProcessEnv) {
    this.ledger = new LedgerCheck(database);
    this.#env = {
      NODE_ENV: 'test',
      LOG_LEVEL: 'error',
      RATE_LIMIT_PER_USER: '0',
      RATE_LIMIT_PER_ADDRESS: '0',
      RATE_LIMIT_BYTES: '0',
      JWT_SECRET: SECRET,
      REDIS_URL: redis,
      REDIS_PREFIX: `bench-${randomBytes(4).toString('hex')}`,
      DATABASE_URL: database,
      ...env,
    };
  }

  static async start(servers: Servers, workers: number, env: NodeJS.ProcessEnv = {}): Promise<Installation> {
    const name = `bench_${randomBytes(6).toString('hex')}`;
    const client = new pg.Client({ connectionString: servers.postgres });
    await client.connect();
    await client.query(`create database ${name}`);
    await client.end();
    const url = new URL(servers.postgres);
    url.pathname = `/${name}`;
    await servers.migrate(url.href);
    const installation = new Installation(servers.redis, url.href, env);
    Installation.#running.add(installation);
    await installation.add('api');
    await Promise.all(Array.from({ length: workers }, () => installation.add('worker')));
    return installation;
  }

  static async stopAll(): Promise<void> {
    for (const installation of Installation.#running) await installation.stop();
  }

  async add(app: AppName): Promise<AppProcess> {
    const own = app === 'api' ? this.apis : this.workers;
    const started = new AppProcess({
      app,
      instance: `${app}-${this.apis.length + this.workers.length + 1}`,
      port: await freePort(),
      env: this.#env,
    });
    own.push(started);
    return started.start();
  }

  /** The headers of requests of a user. */
  async headersOf(user: string): Promise<Record<string, string>> {
    const token = await signToken(SECRET, user);
    return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  }

  /** Submits drills in batches; gives the ids of their actions. */
  async submit(drills: readonly Drill[], user = 'bench'): Promise<string[]> {
    const headers = await this.headersOf(user);
    const ids: string[] = [];
    for (let start = 0; start < drills.length; start += MOST_IN_BATCH) {
      const response = await fetch(`${this.apis[0]!.url}/v1/actions/batch`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ actions: drills.slice(start, start + MOST_IN_BATCH) }),
      });
      if (response.status !== 202) throw new Error(`a batch was answered ${response.status}: ${await response.text()}`);
      const { results } = (await response.json()) as { results: { action: { id: string } }[] };
      ids.push(...results.map(({ action }) => action.id));
    }
    return ids;
  }

  /** Times from acceptance to outcome, in milliseconds, of the actions that a condition names. */
  async latencies(where: string): Promise<number[]> {
    const rows = await this.ledger.query<{ ms: number }>(
      `select extract(epoch from finished_at - submitted_at)::double precision * 1000 as ms from actions where ${where}`,
    );
    return rows.map(({ ms }) => ms);
  }

  /** The judgement of the ledger, as figures. */
  async judge(name: string, accepted: number): Promise<Figure[]> {
    const { ended, violations } = await this.ledger.report();
    const answered = Object.values(ended).reduce((sum, size) => sum + size, 0);
    for (const violation of violations) console.error(`${name}: ${violation}`);
    return [
      {
        name: `${name}: answered of accepted`,
        value: `${answered} of ${accepted}`,
        wanted: 'all',
        holds: answered === accepted,
      },
      {
        name: `${name}: lost, doubled, reordered, foreign`,
        value: violations.length,
        wanted: '0',
        holds: violations.length === 0,
      },
    ];
  }

  async stop(): Promise<void> {
    Installation.#running.delete(this);
    await Promise.all([...this.apis, ...this.workers].map((app) => app.stop()));
    await this.ledger.close();
  }
}
