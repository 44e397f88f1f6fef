import type { AppName } from '../../infra/local/app-process.ts';
import { FaultyProxy, LedgerCheck, startBalancer, startSystem, type StartedApp, type System } from '#testing';
import { startPostgresStage, type PostgresStage } from './postgres-stage.ts';
import { startRedisStage, type RedisStage } from './redis-stage.ts';
import { Supervisor } from './supervisor.ts';

/** A process of an app, with the ways it goes to Redis and to Postgres, which nobody else uses. */
export interface Instance {
  app: StartedApp;
  redis: FaultyProxy;
  postgres: FaultyProxy;
}

export interface StageOptions {
  /** Where Redis keeps its data. */
  folder: string;
  apis: number;
  workers: number;
  sockets: number;
  /** Another Redis than the one of a simple installation. */
  startRedis?: (folder: string) => Promise<RedisStage>;
}

/** Settings of all apps that are not the defaults. */
const SETTINGS = {
  // So that poison is done with soon.
  MAX_ATTEMPTS: '2',
};

/** Clients go to the sockets on one of these ways. */
const LINES = 2;

/** The whole system, with a network that can fail between all its parts. */
export class Stage {
  readonly redis: RedisStage;
  readonly postgres: PostgresStage;
  readonly supervisor = new Supervisor();
  readonly ledger: LedgerCheck;
  readonly apis: Instance[] = [];
  readonly workers: Instance[] = [];
  readonly gateways: Instance[] = [];
  /** The ways of clients to the sockets, over a balancer. */
  readonly lines: FaultyProxy[] = [];
  /** The way of the client that may be slow: straight to the first gateway, for nothing must take in what it does not. */
  slowLine!: FaultyProxy;
  /** The way of clients to the api, over a balancer. */
  rest!: FaultyProxy;
  readonly #system: System;

  private constructor(redis: RedisStage, postgres: PostgresStage, system: System) {
    this.redis = redis;
    this.postgres = postgres;
    this.#system = system;
    this.ledger = new LedgerCheck(system.database);
  }

  static async start(options: StageOptions): Promise<Stage> {
    const { folder, apis, workers, sockets, startRedis = startRedisStage } = options;
    const [redis, postgres] = await Promise.all([startRedis(folder), startPostgresStage()]);
    const system = await startSystem({ apis: 0, workers: 0, sockets: 0, redis, postgres, env: SETTINGS });
    const stage = new Stage(redis, postgres, system);
    const counts = { api: apis, worker: workers, socket: sockets };
    const wanted = Object.entries(counts).flatMap(([app, count]) =>
      Array.from({ length: count }, () => app as AppName),
    );
    await Promise.all(wanted.map((app) => stage.add(app)));
    const urlsOf = (instances: readonly Instance[]): { url: string }[] =>
      instances.map(({ app: { url } }) => ({ url }));
    stage.rest = await FaultyProxy.start((await startBalancer(urlsOf(stage.apis))).url);
    const gateways = await startBalancer(urlsOf(stage.gateways));
    while (stage.lines.length < LINES) stage.lines.push(await FaultyProxy.start(gateways.url));
    stage.slowLine = await FaultyProxy.start(stage.gateways[0]!.app.url);
    return stage;
  }

  get instances(): Instance[] {
    return [...this.apis, ...this.workers, ...this.gateways];
  }

  /** Runs a process in the place of another, until it ends. Its ways are those of the other one. */
  async standIn(instance: Instance, env: NodeJS.ProcessEnv): Promise<StartedApp> {
    const { app } = instance;
    const name = this.apis.includes(instance) ? 'api' : this.workers.includes(instance) ? 'worker' : 'socket';
    const [PORT, INSTANCE_ID] = [new URL(app.url).port, `${app.name}-stand-in`];
    return this.#system.add(name, { PORT, INSTANCE_ID, ...waysOf(instance), ...env });
  }

  /** Ends the apps; Redis and Postgres end with the program. */
  async stop(): Promise<void> {
    this.supervisor.close();
    await this.ledger.close();
    await Promise.all(this.instances.map(({ app }) => app.kill()));
  }

  private async add(name: AppName): Promise<void> {
    const ways = {
      redis: await FaultyProxy.start(this.redis.url),
      postgres: await FaultyProxy.start(this.#system.database),
    };
    const app = await this.#system.add(name, waysOf(ways));
    ({ api: this.apis, worker: this.workers, socket: this.gateways })[name].push({ app, ...ways });
    this.supervisor.watch(app);
  }
}

function waysOf({ redis, postgres }: Pick<Instance, 'redis' | 'postgres'>): NodeJS.ProcessEnv {
  return { REDIS_URL: redis.url, DATABASE_URL: postgres.url };
}
