import { Command } from 'ioredis';
import { join } from 'node:path';
import { freePort } from './ports.ts';
import { ask, emptyAll, until } from './redis-installation.ts';
import { findRedis, type RedisProgram } from './redis-program.ts';
import { startRedis, type RedisServer } from './redis.ts';
import type { ReplicatedOptions, ReplicatedRedis } from './replicated-redis.ts';

const SLOTS = 16_384;
const MASTERS = 3;

/** What CLUSTER SLOTS says of one range: first slot, last slot, master, replicas. */
type SlotRange = [first: number, last: number, ...nodes: [host: string, port: number][]];

interface Node extends RedisServer {
  busPort: number;
}

/** Three masters, each with a replica that takes its place. */
export class RedisCluster implements ReplicatedRedis {
  readonly servers: readonly RedisServer[];

  constructor(servers: readonly RedisServer[]) {
    this.servers = servers;
  }

  get url(): string {
    return `redis-cluster://${this.servers.map(({ url }) => new URL(url).host).join(',')}`;
  }

  get isRunning(): boolean {
    return this.servers.every(({ isRunning }) => isRunning);
  }

  async masterOf(key: string): Promise<RedisServer> {
    const slot = new Command('GET', [key]).getSlot();
    const running = this.servers.find(({ isRunning }) => isRunning);
    const ranges = await ask<SlotRange[]>(running!, 'CLUSTER', 'SLOTS');
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    const server = this.servers.find(({ url }) => Number(new URL(url).port) === range?.[2]?.[1]);
    if (!server) throw new Error(`no master has slot ${slot}`);
    return server;
  }

  async start(): Promise<void> {
    await Promise.all(this.servers.filter(({ isRunning }) => !isRunning).map((server) => server.start()));
    await this.settled();
  }

  /** Resolves when all nodes agree that all slots are served, each by a master with a replica. */
  async settled(): Promise<void> {
    await until('the cluster is whole', async () => {
      for (const server of this.servers) {
        const info = await ask<string>(server, 'CLUSTER', 'INFO');
        if (!info.includes('cluster_state:ok')) return false;
        const ranges = await ask<SlotRange[]>(server, 'CLUSTER', 'SLOTS');
        if (ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0) < SLOTS) return false;
        if (ranges.some((range) => range.length < 4)) return false;
        const [role, , , link] = await ask<[string, string, number, string]>(server, 'ROLE');
        if (role !== 'master' && link !== 'connected') return false;
      }
      return true;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  async kill(signal?: NodeJS.Signals): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill(signal)));
  }

  empty(): Promise<void> {
    return emptyAll(this.servers);
  }
}

/** Starts a cluster of three masters and three replicas, and waits until it is whole. */
export async function startRedisCluster(options: ReplicatedOptions): Promise<RedisCluster> {
  const program = options.program ?? (await findRedis(() => undefined));
  if (program.image !== undefined)
    throw new Error('a cluster needs a redis-server on this machine, not in a container');
  const nodes: Node[] = [];
  for (let index = 1; index <= 2 * MASTERS; index += 1) nodes.push(await startNode(options, program, index));
  const [first, ...others] = nodes as [Node, ...Node[]];
  const masters = nodes.slice(0, MASTERS);
  for (const [index, master] of masters.entries()) {
    const range = [index, index + 1].map((part) => Math.floor((SLOTS * part) / MASTERS));
    await ask(master, 'CLUSTER', 'ADDSLOTSRANGE', String(range[0]), String(range[1]! - 1));
    // Different ones, or they could not be told apart when they meet.
    await ask(master, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const { busPort, url } of others)
    await ask(first, 'CLUSTER', 'MEET', '127.0.0.1', new URL(url).port, String(busPort));
  for (const [index, master] of masters.entries()) {
    const id = await ask<string>(master, 'CLUSTER', 'MYID');
    const replica = nodes[MASTERS + index]!;
    await until('a replica has met its master', async () => {
      await ask(replica, 'CLUSTER', 'REPLICATE', id);
      return true;
    });
  }
  const cluster = new RedisCluster(nodes);
  await cluster.settled();
  return cluster;
}

async function startNode(
  { folder, failoverAfterMs = 2_000, onLine }: ReplicatedOptions,
  program: RedisProgram,
  index: number,
): Promise<Node> {
  const busPort = await freePort();
  const settings = [
    ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort)],
    ...['--cluster-node-timeout', String(failoverAfterMs), '--repl-diskless-sync-delay', '0'],
  ];
  const server = await startRedis({
    folder: join(folder, `node-${index}`),
    program,
    persistent: true,
    settings,
    ...(onLine && { onLine }),
  });
  return Object.assign(server, { busPort });
}
