import { connect } from 'node:net';
import { mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ManagedProcess, type ProcessOptions } from './managed-process.ts';
import { freePort } from './ports.ts';
import { ask, type RedisInstallation } from './redis-installation.ts';
import { endStale, noteProcess } from './stale-process.ts';
import { findRedis, type RedisProgram } from './redis-program.ts';

export interface RedisOptions {
  /** Where its data is. */
  folder: string;
  port?: number;
  /** Whether it writes an append-only file, and so has its data again after a restart. */
  persistent?: boolean;
  /** More settings, e.g. `['--maxmemory', '8mb']`. */
  settings?: readonly string[];
  program?: RedisProgram;
  say?: (line: string) => void;
  onLine?: (line: string) => void;
}

/** A private Redis, reachable on the loopback address only. */
export class RedisServer extends ManagedProcess implements RedisInstallation {
  readonly url: string;
  readonly origin: string;
  readonly #folder: string;

  constructor(options: ProcessOptions, port: number, origin: string, folder: string) {
    super(options);
    this.url = `redis://127.0.0.1:${port}`;
    this.origin = origin;
    this.#folder = folder;
  }

  override async start(): Promise<this> {
    await super.start();
    await noteProcess(this.#folder, this.pid!);
    return this;
  }

  async empty(): Promise<void> {
    await ask(this, 'FLUSHALL');
  }
}

/** Starts a private Redis and waits until it answers. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { folder, settings = [], say = () => {} } = options;
  const program = options.program ?? (await findRedis(say));
  const port = options.port ?? (await freePort());
  await mkdir(folder, { recursive: true });
  await endStale(folder, 'SIGTERM');
  const args = [
    ...['--save', '', '--appendonly', options.persistent ? 'yes' : 'no'],
    // BullMQ's keys must never be evicted.
    ...['--maxmemory-policy', 'noeviction'],
    ...settings,
  ];
  const server = new RedisServer(
    {
      name: 'redis',
      ...(program.image === undefined ? direct(program, port, folder, args) : inContainer(program, port, folder, args)),
      env: program.env,
      isReady: () => answersPing(port),
      ...(options.onLine ? { onLine: options.onLine } : {}),
    },
    port,
    program.origin,
    folder,
  );
  return server.start();
}

type Command = Pick<ProcessOptions, 'command' | 'args'>;

function direct({ command }: RedisProgram, port: number, folder: string, args: readonly string[]): Command {
  return { command, args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, ...args] };
}

function inContainer({ image }: RedisProgram, port: number, folder: string, args: readonly string[]): Command {
  const name = `tidings-redis-${basename(folder)}-${port}`;
  const run = ['run', '--rm', '--init', '--name', name, '-p', `127.0.0.1:${port}:6379`, '-v', `${join(folder)}:/data`];
  return { command: 'docker', args: [...run, image!, 'redis-server', ...args] };
}

/** Also false while it still loads its data. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    const answer = (ok: boolean): void => {
      socket.destroy();
      resolve(ok);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => answer(data.toString().startsWith('+PONG')));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}
