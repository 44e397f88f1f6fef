import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AppName } from '../../../infra/local/app-process.ts';
import { ROOT } from '../../../infra/local/run-tool.ts';
import { startApp, type StartedApp } from './app.ts';
import { testDatabase } from './database.ts';
import { testRedis, type TestRedis } from './redis.ts';
import { TestUser } from './test-user.ts';
import type { TokenOptions } from './token.ts';

export interface SystemOptions {
  apis?: number;
  workers?: number;
  sockets?: number;
  /** A Redis of its own (see `privateRedis`), when the test stops or empties it. */
  redis?: { url: string };
  /** A Postgres of its own (see `privatePostgres`), when the test stops it. */
  postgres?: { url: string };
  /** Settings of all its apps. */
  env?: NodeJS.ProcessEnv;
  /** Another copy of the project, which is built (default: this one). */
  root?: string;
}

/** The whole system, as processes, with a fresh database and its own part of Redis. */
export class System {
  readonly apis: StartedApp[] = [];
  readonly workers: StartedApp[] = [];
  readonly sockets: StartedApp[] = [];
  /** URL of its database. */
  readonly database: string;
  readonly redis: TestRedis;
  readonly #settings: NodeJS.ProcessEnv;
  readonly #root: string;
  /** Tells its processes from those of another system in the same test. */
  readonly #name = randomBytes(2).toString('hex');
  readonly #born = new Map<StartedApp, number | undefined>();
  #count = 0;

  constructor(database: string, redis: TestRedis, env: NodeJS.ProcessEnv, root: string) {
    this.database = database;
    this.redis = redis;
    this.#root = root;
    this.#settings = { DATABASE_URL: database, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix, ...env };
  }

  /** The first one, which its users call. */
  get api(): StartedApp {
    return this.apis[0]!;
  }

  /** Starts one more process of an app, as it was built where its others were, or in another copy of the project. */
  async add(app: AppName, env: NodeJS.ProcessEnv = {}, root = this.#root): Promise<StartedApp> {
    this.#count += 1;
    const instance = `${app}-${this.#name}-${this.#count}`;
    const started = await startApp(app, { ...this.#settings, INSTANCE_ID: instance, ...env }, root);
    const { apis, workers, sockets } = this;
    ({ api: apis, worker: workers, socket: sockets })[app].push(started);
    this.#born.set(started, started.pid);
    return started;
  }

  /** Someone who calls its api, by the given URL if it is behind a balancer. */
  user(id: string, options?: TokenOptions, url = this.api.url): Promise<TestUser> {
    return TestUser.signIn(id, url, options);
  }

  /** @throws {Error} when one of its processes has ended, or is another one than at first */
  assertUnharmed(): void {
    for (const [app, pid] of this.#born) {
      if (app.pid !== pid) throw new Error(`${app.name} is not the process any more that it was: see its last lines`);
    }
  }

  /** Ends every process in an orderly way; at the end of the test file that happens by force. */
  async stop(): Promise<void> {
    await Promise.all([...this.#born.keys()].map((app) => app.stop()));
  }
}

/** Starts the whole system, and waits until it is ready. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { apis = 1, workers = 1, sockets = 2, env = {} } = options;
  const redis = options.redis ? { url: options.redis.url, prefix: 'test' } : testRedis();
  const system = new System(await databaseOf(options), redis, env, options.root ?? ROOT);
  const counts: Record<AppName, number> = { api: apis, socket: sockets, worker: workers };
  const wanted = (Object.keys(counts) as AppName[]).flatMap((app) => Array.from({ length: counts[app] }, () => app));
  await Promise.all(wanted.map((app) => system.add(app)));
  return system;
}

async function databaseOf({ postgres, root = ROOT }: SystemOptions): Promise<string> {
  if (!postgres) return (await testDatabase({ name: `system ${root}`, migrate: (url) => migrate(url, root) })).url;
  await migrate(postgres.url, root);
  return postgres.url;
}

/**
 * Brings a database to the schema of the apps.
 *
 * @param root where they are built, unless in this project
 * @returns what was printed
 */
export async function migrate(url: string, root = ROOT): Promise<string> {
  const env = { ...process.env, NODE_ENV: 'test', DATABASE_URL: url };
  const program = join(root, 'dist/apps/worker/src/migrate.js');
  return (await promisify(execFile)(process.execPath, [program], { env })).stdout;
}
