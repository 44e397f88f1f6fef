/**
 * `npm start [-- --sockets=N --workers=N --port=N]`: the whole system for development.
 * Its last line says `ready` and where; Ctrl-C ends everything.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppProcess, type AppName } from './app-process.ts';
import { build } from './build.ts';
import { startControlServer } from './control-server.ts';
import { DATA } from './data-folder.ts';
import { logFile, notable } from './logs.ts';
import { isFree } from './ports.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import { ROOT } from './run-tool.ts';
import { runCommand } from './run-command.ts';
import { developmentSecret } from './secret.ts';
import { noteProcess, notedProcess } from './stale-process.ts';
import { parseStartOptions, type StartOptions } from './start-options.ts';
import { Supervisor } from './supervisor.ts';

const say = (line: string): void => console.log(line);
const supervisor = new Supervisor(say);
let stopping: Promise<never> | undefined;

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

async function start(options: StartOptions): Promise<void> {
  await assertAlone();
  await assertPortsFree(options);
  await noteProcess(DATA, process.pid);

  say('building');
  const [, databaseUrl, redisUrl, secret] = await Promise.all([build(), database(), redis(), developmentSecret()]);
  const { apiPort, socketPorts, workerPorts } = options;
  const env: NodeJS.ProcessEnv = {
    NODE_ENV: 'development',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    JWT_SECRET: secret,
    SOCKET_URLS: socketPorts.map(urlOf).join(','),
    // The console is served by the api and connects to every socket instance.
    ALLOWED_ORIGINS:
      process.env['ALLOWED_ORIGINS'] ||
      [urlOf(apiPort), `http://localhost:${apiPort}`].map((url) => new URL(url).origin).join(','),
  };

  // Only the api gets to know it, for the buttons of the console.
  const control = await startControlServer(supervisor, say);

  say('migrating the database');
  await runCommand(process.execPath, [join(ROOT, 'dist/apps/worker/src/migrate.js')], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });

  say(`starting 1 api, ${workerPorts.length} worker(s), ${socketPorts.length} socket(s)`);
  await Promise.all([
    ...workerPorts.map((port, index) => app('worker', `worker-${index + 1}`, port, env)),
    ...socketPorts.map((port, index) => app('socket', `socket-${index + 1}`, port, env)),
    app('api', 'api', apiPort, { ...env, SUPERVISOR_URL: control.url }),
  ]);
  if (!stopping) say(`ready api=${urlOf(apiPort)} sockets=${socketPorts.map(urlOf).join(',')}`);
}

async function app(name: AppName, instance: string, port: number, env: NodeJS.ProcessEnv): Promise<void> {
  const log = logFile(instance);
  const process = new AppProcess({
    app: name,
    instance,
    port,
    env,
    onLine: (line) => {
      log(line);
      const text = notable(line);
      if (text !== null && !stopping) say(`${instance}: ${text}`);
    },
  });
  await process.start();
  if (stopping) await process.stop();
  else supervisor.add(process, 'app');
}

async function database(): Promise<string> {
  if (process.env['DATABASE_URL']) {
    say('postgres: the one of DATABASE_URL');
    return process.env['DATABASE_URL'];
  }
  const postgres = await startPostgres({ folder: join(DATA, 'postgres'), say, onLine: logFile('postgres') });
  supervisor.add(postgres, 'service');
  say(`postgres: private, ${new URL(postgres.url).host}, data in ${postgres.folder}`);
  return postgres.url;
}

async function redis(): Promise<string> {
  if (process.env['REDIS_URL']) {
    say('redis: the one of REDIS_URL');
    return process.env['REDIS_URL'];
  }
  const server = await startRedis({ folder: join(DATA, 'redis'), persistent: true, say, onLine: logFile('redis') });
  supervisor.add(server, 'service');
  say(`redis: private, ${new URL(server.url).host} (${server.origin})`);
  return server.url;
}

async function assertAlone(): Promise<void> {
  await mkdir(DATA, { recursive: true });
  const other = await notedProcess(DATA);
  if (other !== undefined && other !== process.pid)
    throw new Error(`npm start already runs in this folder (process ${other}): end it first`);
}

async function assertPortsFree({ apiPort, socketPorts, workerPorts }: StartOptions): Promise<void> {
  const ports = [apiPort, ...socketPorts, ...workerPorts];
  const free = await Promise.all(ports.map(isFree));
  const taken = ports.filter((_, index) => !free[index]);
  if (taken.length > 0) {
    const [verb, what] = taken.length === 1 ? ['is', 'port'] : ['are', 'ports'];
    throw new Error(`${what} ${taken.join(', ')} ${verb} taken: end what listens there, and start again`);
  }
}

function stop(code: number): Promise<never> {
  stopping ??= (async () => {
    await supervisor.stop();
    process.exit(code);
  })();
  return stopping;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!stopping) say('stopping');
    void stop(0);
  });
}
// The terminal may be gone before us.
process.stdout.on('error', () => {});

try {
  await start(parseStartOptions(process.argv.slice(2)));
} catch (error) {
  if (!stopping) console.error(error instanceof Error ? error.message : error);
  await stop(1);
}
