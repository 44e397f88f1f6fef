import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ManagedProcess } from './managed-process.ts';
import { freePort } from './ports.ts';
import { ask, emptyAll, until } from './redis-installation.ts';
import { findRedis, type RedisProgram } from './redis-program.ts';
import { startRedis, type RedisServer } from './redis.ts';
import type { ReplicatedOptions, ReplicatedRedis } from './replicated-redis.ts';

/** By which the Sentinels know the master. */
const MASTER = 'main';
const REPLICAS = 2;
const SENTINELS = 3;
const QUORUM = 2;

/** A master, two replicas, and three Sentinels that replace it. */
export class RedisSentinel implements ReplicatedRedis {
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly SentinelProcess[];

  constructor(servers: readonly RedisServer[], sentinels: readonly SentinelProcess[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  get url(): string {
    return `redis-sentinel://${this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${MASTER}`;
  }

  /** Of the servers; the Sentinels run on. */
  get isRunning(): boolean {
    return this.servers.every(({ isRunning }) => isRunning);
  }

  /** What most Sentinels say. */
  async masterOf(): Promise<RedisServer> {
    const answers = await Promise.all(
      this.sentinels.map((each) => ask<[string, string]>(each, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER)),
    );
    const ports = answers.map(([, port]) => port);
    const named = ports.find((port) => ports.filter((other) => other === port).length >= QUORUM);
    const server = this.servers.find(({ url }) => new URL(url).port === named);
    if (!server) throw new Error('the Sentinels do not agree on a master');
    return server;
  }

  async start(): Promise<void> {
    await Promise.all([...this.servers, ...this.sentinels].filter(({ isRunning }) => !isRunning).map((e) => e.start()));
    await this.settled();
  }

  /** Resolves when there is a master that all replicas follow, and all Sentinels know of all. */
  async settled(): Promise<void> {
    await until('the Sentinels know of all', async () => {
      for (const sentinel of this.sentinels) {
        const state = asMap(await ask<string[]>(sentinel, 'SENTINEL', 'MASTER', MASTER));
        if (state.get('flags') !== 'master') return false;
        if (Number(state.get('num-slaves')) < REPLICAS) return false;
        if (Number(state.get('num-other-sentinels')) < SENTINELS - 1) return false;
      }
      const [role, , replicas] = await ask<[string, number, unknown[]]>(await this.masterOf(), 'ROLE');
      return role === 'master' && replicas.length === REPLICAS;
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((each) => each.stop()));
  }

  async kill(signal?: NodeJS.Signals): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill(signal)));
  }

  empty(): Promise<void> {
    return emptyAll(this.servers);
  }
}

class SentinelProcess extends ManagedProcess {
  readonly url: string;
  readonly port: number;

  constructor(port: number, program: RedisProgram, file: string, onLine?: (line: string) => void) {
    const url = `redis://127.0.0.1:${port}`;
    super({
      name: 'sentinel',
      command: program.command,
      args: [file, '--sentinel'],
      env: program.env,
      isReady: async () => (await ask<string>({ url }, 'PING')) === 'PONG',
      ...(onLine && { onLine }),
    });
    this.url = url;
    this.port = port;
  }
}

/** Starts a master with its replicas and Sentinels, and waits until they know of each other. */
export async function startRedisSentinel(options: ReplicatedOptions): Promise<RedisSentinel> {
  const { folder, failoverAfterMs = 2_000, onLine } = options;
  const program = options.program ?? (await findRedis(() => undefined));
  if (program.image !== undefined) throw new Error('Sentinels need a redis-server on this machine, not in a container');
  const server = (name: string, ...settings: string[]): Promise<RedisServer> =>
    startRedis({
      folder: join(folder, name),
      program,
      persistent: true,
      settings: ['--repl-diskless-sync-delay', '0', ...settings],
      ...(onLine && { onLine }),
    });
  const master = await server('redis-1');
  const { port } = new URL(master.url);
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, (_, index) => server(`redis-${index + 2}`, '--replicaof', '127.0.0.1', port)),
  );
  const sentinels: SentinelProcess[] = [];
  for (let index = 1; index <= SENTINELS; index += 1) {
    const own = await freePort();
    const file = await configure(join(folder, `sentinel-${index}`), own, port, failoverAfterMs);
    sentinels.push(new SentinelProcess(own, program, file, onLine));
  }
  const all = new RedisSentinel([master, ...replicas], sentinels);
  await all.start();
  return all;
}

/** Writes what a Sentinel begins with; from then on it writes down what it learns. */
async function configure(folder: string, port: number, master: string, failoverAfterMs: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${MASTER} 127.0.0.1 ${master} ${QUORUM}`,
    `sentinel down-after-milliseconds ${MASTER} ${failoverAfterMs}`,
    `sentinel failover-timeout ${MASTER} ${5 * failoverAfterMs}`,
    `sentinel parallel-syncs ${MASTER} ${REPLICAS}`,
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}

function asMap(answer: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let index = 0; index < answer.length; index += 2) map.set(answer[index]!, answer[index + 1]!);
  return map;
}
