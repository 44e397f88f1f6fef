import { randomBytes } from 'node:crypto';
import type { ManagedProcess } from '../../infra/local/managed-process.ts';
import type { Target, Wire } from '../load/protocol.ts';
import { LoadGenerator } from '../load/load-generator.ts';
import { startStores, type Stores } from '../stores.ts';

const APP_ROLES = ['api', 'worker', 'socket'] as const;

export type AppRole = (typeof APP_ROLES)[number];

/** The kinds of server processes of a system. */
export type Role = AppRole | 'redis' | 'postgres';

export interface AppServer extends ManagedProcess {
  readonly url: string;
}

/** How a kind of system starts its processes; the rest is the same for all. */
export interface SystemKind {
  name: string;
  isOurs: boolean;
  wire: Wire;
  /** Settings of its processes. */
  environment?: NodeJS.ProcessEnv;
  /** Makes the tables. */
  migrate: (env: NodeJS.ProcessEnv) => Promise<void>;
  start: (role: AppRole, instance: string, env: NodeJS.ProcessEnv) => Promise<AppServer>;
  /** The kinds of processes that it has; all, unless given. Without sockets of its own, its api is connected to. */
  roles?: readonly AppRole[];
  /** Waits until nothing is left to do, where that is not known from what clients hear. */
  drained?: (env: NodeJS.ProcessEnv) => Promise<void>;
}

export interface SystemSize {
  workers: number;
  sockets: number;
}

/** A whole system of its own, and the load generator for it. */
export class BenchSystem {
  readonly #kind: SystemKind;
  readonly #stores: Stores;
  readonly #env: NodeJS.ProcessEnv;
  readonly #secret: string;
  readonly #apps: Record<AppRole, AppServer[]> = { api: [], worker: [], socket: [] };
  readonly load: LoadGenerator;
  #named = 0;

  private constructor(kind: SystemKind, stores: Stores, load: LoadGenerator) {
    this.#kind = kind;
    this.#stores = stores;
    this.load = load;
    this.#secret = randomBytes(32).toString('hex');
    this.#env = { JWT_SECRET: this.#secret, DATABASE_URL: stores.postgres.url, REDIS_URL: stores.redis.url };
  }

  static async start(kind: SystemKind, { workers, sockets }: SystemSize): Promise<BenchSystem> {
    const [stores, load] = await Promise.all([startStores(kind.name), LoadGenerator.start()]);
    const system = new BenchSystem(kind, stores, load);
    await kind.migrate(system.#env);
    const sizes: Record<AppRole, number> = { api: 1, worker: workers, socket: sockets };
    const starts = (kind.roles ?? APP_ROLES).flatMap((role) => Array.from({ length: sizes[role] }, () => role));
    await Promise.all(starts.map((role) => system.add(role)));
    return system;
  }

  get name(): string {
    return this.#kind.name;
  }

  /** Whether it has socket processes; else its api is connected to. */
  get hasSockets(): boolean {
    return this.#kind.roles?.includes('socket') ?? true;
  }

  /** What its processes get. */
  get environment(): NodeJS.ProcessEnv {
    return { ...this.#kind.environment, ...this.#env };
  }

  get database(): string {
    return this.#stores.postgres.url;
  }

  get target(): Target {
    const { api, socket } = this.#apps;
    const { wire } = this.#kind;
    return {
      api: api[0]!.url,
      sockets: wire.hears ? (socket.length > 0 ? socket : api).map(({ url }) => url) : [],
      secret: this.#secret,
      wire,
    };
  }

  appsOf(role: AppRole): readonly AppServer[] {
    return this.#apps[role];
  }

  async add(role: AppRole): Promise<AppServer> {
    this.#named += 1;
    const app = await this.#kind.start(role, `${role}-${this.#named}`, this.#env);
    this.#apps[role].push(app);
    return app;
  }

  /** Ends the newest process of a kind. */
  async remove(role: AppRole): Promise<void> {
    await this.#apps[role].pop()?.kill();
  }

  pidsOf(role: Role): number[] {
    if (role === 'redis' || role === 'postgres') return [this.#stores[role].pid!];
    return this.#apps[role].map(({ pid }) => pid!);
  }

  async drained(): Promise<void> {
    await this.#kind.drained?.(this.#env);
  }

  async stop(): Promise<void> {
    await this.load.stop();
    await Promise.all(Object.values(this.#apps).flatMap((apps) => apps.map((app) => app.kill())));
    await this.#stores.stop();
  }
}
