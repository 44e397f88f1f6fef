import { randomBytes } from 'node:crypto';
import { AppProcess, type AppName } from '../../infra/local/app-process.ts';
import { Balancer } from '../../infra/local/balancer.ts';
import { freePort } from '../../infra/local/ports.ts';
import { signToken } from '../sign-token.ts';
import { migrate, startStores, type Stores } from '../stores.ts';
import type { Fleet } from './fleet.ts';

/** An installation of its own, behind balancers, whose processes come and go. */
export class BenchFleet implements Fleet {
  readonly apis: AppProcess[] = [];
  readonly workers: AppProcess[] = [];
  readonly sockets: AppProcess[] = [];
  readonly apiBalancer = new Balancer(this.apis);
  readonly socketBalancer = new Balancer(this.sockets);
  readonly #secret = randomBytes(32).toString('hex');
  readonly #stores: Stores;
  #count = 0;

  private constructor(stores: Stores) {
    this.#stores = stores;
  }

  static async start(counts: Record<AppName, number>): Promise<BenchFleet> {
    const fleet = new BenchFleet(await startStores('deploys'));
    await migrate(fleet.environment);
    for (const app of Object.keys(counts) as AppName[]) {
      for (let count = 0; count < counts[app]; count += 1) await fleet.add(app);
    }
    await Promise.all([fleet.apiBalancer.start(), fleet.socketBalancer.start()]);
    return fleet;
  }

  get database(): string {
    return this.#stores.postgres.url;
  }

  private get environment(): NodeJS.ProcessEnv {
    return {
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      RATE_LIMIT_PER_USER: '0',
      RATE_LIMIT_PER_ADDRESS: '0',
      RATE_LIMIT_EVENTS: '0',
      RATE_LIMIT_BYTES: '0',
      JWT_SECRET: this.#secret,
      DATABASE_URL: this.#stores.postgres.url,
      REDIS_URL: this.#stores.redis.url,
    };
  }

  async add(app: AppName): Promise<void> {
    const instance = `${app}-${(this.#count += 1)}`;
    const started = await new AppProcess({ app, instance, port: await freePort(), env: this.environment }).start();
    ({ api: this.apis, worker: this.workers, socket: this.sockets })[app].push(started);
  }

  tokenOf(user: string): Promise<string> {
    return signToken(this.#secret, user);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.apis, ...this.workers, ...this.sockets].map((app) => app.kill()));
    this.apiBalancer.stop();
    this.socketBalancer.stop();
    await this.#stores.stop();
  }
}
