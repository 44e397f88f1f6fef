import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach } from 'vitest';
import type { AppName } from '../../../infra/local/app-process.ts';
import { ROOT } from '../../../infra/local/run-tool.ts';
import { startApp, type StartedApp } from './app.ts';
import { atEndOfFile } from './cleanup.ts';
import { testDatabase } from './database.ts';
import { testRedis } from './redis.ts';
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
}

/** The whole system, as processes of its own, with a fresh database and its own part of Redis. */
export interface System {
  /** The first of `apis`. */
  api: StartedApp;
  apis: StartedApp[];
  workers: StartedApp[];
  sockets: StartedApp[];
  /** URL of its database. */
  database: string;
  redis: { url: string; prefix: string };
  /** Every process of it, by its name. */
  pids(): Record<string, number | undefined>;
  /** @throws {Error} when one of its processes has ended, or was started again */
  assertUnharmed(): void;
  /** Starts one more process of an app. */
  add(app: AppName, env?: NodeJS.ProcessEnv): Promise<StartedApp>;
  /** Someone who calls its api. */
  user(id: string, options?: TokenOptions): Promise<TestUser>;
  /** Ends every process in an orderly way; the end of the test file does it by force. */
  stop(): Promise<void>;
}

const running = new Set<System>();

/** Starts the whole system, and waits until it is ready. Its logs are shown when a test fails. */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const { apis = 1, workers = 1, sockets = 2, env = {} } = options;
  const redis = options.redis ? { url: options.redis.url, prefix: 'test' } : testRedis();
  const database = await databaseOf(options);
  const name = randomBytes(2).toString('hex');
  const settings = { DATABASE_URL: database, REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix, ...env };
  const processes: Record<AppName, StartedApp[]> = { api: [], worker: [], socket: [] };
  const born = new Map<StartedApp, number | undefined>();
  const all = (): StartedApp[] => [...processes.api, ...processes.worker, ...processes.socket];

  const add = async (app: AppName, more: NodeJS.ProcessEnv = {}): Promise<StartedApp> => {
    count += 1;
    const started = await startApp(app, { ...settings, INSTANCE_ID: `${app}-${name}-${count}`, ...more });
    processes[app].push(started);
    born.set(started, started.pid);
    return started;
  };
  let count = 0;
  const wanted: AppName[] = [
    ...Array.from({ length: apis }, () => 'api' as const),
    ...Array.from({ length: sockets }, () => 'socket' as const),
    ...Array.from({ length: workers }, () => 'worker' as const),
  ];
  await Promise.all(wanted.map((app) => add(app)));

  const system: System = {
    api: processes.api[0]!,
    apis: processes.api,
    workers: processes.worker,
    sockets: processes.socket,
    database,
    redis,
    pids: () => Object.fromEntries(all().map((app) => [app.name, app.pid])),
    assertUnharmed: () => {
      for (const [app, pid] of born) {
        if (app.pid !== pid) throw new Error(`${app.name} is no more the process that it was; its log is shown`);
      }
    },
    add,
    user: (id, tokenOptions) => TestUser.signIn(id, processes.api[0]!.url, tokenOptions),
    stop: async () => {
      running.delete(system);
      await Promise.all(all().map((app) => app.stop()));
    },
  };
  running.add(system);
  atEndOfFile(async () => void running.delete(system));
  return system;
}

/** Brings an empty database to the schema of the apps. */
async function migrate(url: string): Promise<void> {
  // Only the URL of the database counts; the config asks for one of Redis too.
  const env = { ...process.env, DATABASE_URL: url, REDIS_URL: 'redis://127.0.0.1' };
  await promisify(execFile)(process.execPath, [join(ROOT, 'dist/apps/worker/src/migrate.js')], { env });
}

async function databaseOf({ postgres }: SystemOptions): Promise<string> {
  if (!postgres) return (await testDatabase({ name: 'system', migrate })).url;
  await migrate(postgres.url);
  return postgres.url;
}

const SHOWN_LINES = 20;
const WARNING = 40;

// Vitest takes hooks only while it collects the tests: so it is taken when this file is imported.
afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return;
  for (const { apis, workers, sockets } of running) {
    for (const app of [...apis, ...workers, ...sockets]) process.stderr.write(`${describe(app)}\n`);
  }
});

/** Its last warnings, or its last lines when there are none. */
function describe(app: StartedApp): string {
  const lines = app.logs().split('\n').filter(Boolean);
  const warnings = lines.filter(isWarning);
  const shown = (warnings.length > 0 ? warnings : lines).slice(-SHOWN_LINES);
  const state = app.isRunning ? `running as ${app.pid}` : 'ended';
  return [`--- ${app.name} (${state}), last ${warnings.length > 0 ? 'warnings' : 'lines'}:`, ...shown].join('\n  ');
}

/** What is not structured, such as the stack of a crash, is one too. */
function isWarning(line: string): boolean {
  try {
    return (JSON.parse(line) as { level: number }).level >= WARNING;
  } catch {
    return true;
  }
}
