import { randomBytes } from 'node:crypto';
import { access, chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { ManagedProcess, type ProcessOptions } from './managed-process.ts';
import { findPostgres, type PostgresProgram } from './postgres-program.ts';
import { freePort } from './ports.ts';
import { runCommand } from './run-command.ts';
import { endStale, noteProcess } from './stale-process.ts';

const USER = 'tidings';

export interface PostgresOptions {
  /** Where its data is (or nearby, when Postgres may not go there). */
  folder: string;
  port?: number;
  /** False: faster, and the data may be gone when the machine (not Postgres) goes down. */
  durable?: boolean;
  /** More settings, e.g. `{ log_statement: 'all' }`. */
  settings?: Readonly<Record<string, string>>;
  say?: (line: string) => void;
  onLine?: (line: string) => void;
}

/** How long the children of a server that was killed may take to notice, in milliseconds: until then none starts. */
const PREDECESSOR_MS = 30_000;

/** A private Postgres, reachable on the loopback address only. */
export class PostgresServer extends ManagedProcess {
  readonly url: string;
  /** Where its data really is. */
  readonly folder: string;

  constructor(options: ProcessOptions, url: string, folder: string) {
    super(options);
    this.url = url;
    this.folder = folder;
  }

  override async start(): Promise<this> {
    const deadline = Date.now() + PREDECESSOR_MS;
    for (;;) {
      try {
        await super.start();
        break;
      } catch (error) {
        if (!String(error).includes('pre-existing shared memory block') || Date.now() > deadline) throw error;
        await delay(200);
      }
    }
    await noteProcess(this.folder, this.pid!);
    return this;
  }
}

/** Starts a private Postgres, with an empty database `tidings` at first, and waits until it answers. */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { durable = true, settings = {}, say = () => {} } = options;
  const program = await findPostgres(say);
  const folder = program.placeFor(options.folder);
  const port = options.port ?? (await freePort());
  await makeFolder(program, folder);
  await endStale(folder, 'SIGINT');
  const password = await initialise(program, folder, durable);
  const url = (database: string): string => `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    fsync: durable ? 'on' : 'off',
    // A peer that is gone without a word must not keep its locks for the two hours of the defaults.
    tcp_keepalives_idle: '5',
    tcp_keepalives_interval: '2',
    tcp_keepalives_count: '3',
    ...settings,
  };
  const server = new PostgresServer(
    {
      name: 'postgres',
      command: join(program.bin, 'postgres'),
      args: ['-D', join(folder, 'data'), ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
      cwd: folder,
      isReady: () => answersQuery(url('postgres')),
      // "Fast shutdown": SIGTERM would wait for every client to leave.
      stopSignal: 'SIGINT',
      ...(program.uid === undefined ? {} : { uid: program.uid }),
      ...(options.onLine ? { onLine: options.onLine } : {}),
    },
    url(USER),
    folder,
  );
  await server.start();
  await createDatabase(url('postgres'));
  return server;
}

async function makeFolder({ uid }: PostgresProgram, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (uid === undefined) return;
  await chmod(dirname(folder), 0o755);
  await chown(folder, uid, uid);
}

/** Makes the data folder unless there is one; gives the password, which is kept beside it. */
async function initialise({ bin, uid }: PostgresProgram, folder: string, durable: boolean): Promise<string> {
  const file = join(folder, 'password');
  const data = join(folder, 'data');
  if (
    await access(data).then(
      () => true,
      () => false,
    )
  )
    return readFile(file, 'utf8');

  const password = randomBytes(18).toString('base64url');
  await writeFile(file, password, { mode: 0o600 });
  if (uid !== undefined) await chown(file, uid, uid);
  // Into another folder first: one that is half made must not be taken for a database later.
  const unfinished = join(folder, 'unfinished');
  await rm(unfinished, { recursive: true, force: true });
  await runCommand(
    join(bin, 'initdb'),
    [
      ...['-D', unfinished, '-U', USER, '--auth=scram-sha-256', `--pwfile=${file}`, '--encoding=UTF8'],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
      // The password is random: slowing down those who guess it would only slow down connecting.
      ...['--set', 'scram_iterations=1', ...(durable ? [] : ['--no-sync'])],
    ],
    { cwd: folder, ...(uid === undefined ? {} : { uid, gid: uid }) },
  );
  await rename(unfinished, data);
  return password;
}

async function answersQuery(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => {});
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [USER]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${USER}`);
  } finally {
    await client.end();
  }
}
