import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { AppProcess, type AppName } from '../../infra/local/app-process.ts';
import { Balancer } from '../../infra/local/balancer.ts';
import { DATA } from '../../infra/local/data-folder.ts';
import { freePort } from '../../infra/local/ports.ts';
import { startPostgres, type PostgresServer } from '../../infra/local/postgres.ts';
import { startRedis, type RedisServer } from '../../infra/local/redis.ts';
import { runCommand } from '../../infra/local/run-command.ts';
import { ROOT } from '../../infra/local/run-tool.ts';
import type { Fleet } from './fleet.ts';

/** An installation of its own, behind balancers, whose processes come and go. */
export class BenchFleet implements Fleet {
  readonly apis: AppProcess[] = [];
  readonly workers: AppProcess[] = [];
  readonly sockets: AppProcess[] = [];
  readonly apiBalancer = new Balancer(this.apis);
  readonly socketBalancer = new Balancer(this.sockets);
  readonly #secret = randomBytes(32).toString('hex');
  readonly #folder: string;
  readonly #redis: RedisServer;
  readonly #postgres: PostgresServer;
  #count = 0;

  private constructor(folder: string, redis: RedisServer, postgres: PostgresServer) {
    this.#folder = folder;
    this.#redis = redis;
    this.#postgres = postgres;
  }

  static async start(counts: Record<AppName, number>): Promise<BenchFleet> {
    await mkdir(DATA, { recursive: true });
    const folder = await mkdtemp(join(DATA, 'bench-'));
    // So that the user as whom Postgres runs finds the way.
    await chmod(folder, 0o755);
    const [redis, postgres] = await Promise.all([
      startRedis({ folder: join(folder, 'redis'), persistent: true }),
      startPostgres({ folder: join(folder, 'postgres') }),
    ]);
    const fleet = new BenchFleet(folder, redis, postgres);
    await runCommand(process.execPath, [join(ROOT, 'dist/apps/worker/src/migrate.js')], {
      cwd: ROOT,
      env: { ...process.env, ...fleet.environment },
    });
    for (const app of Object.keys(counts) as AppName[]) {
      for (let count = 0; count < counts[app]; count += 1) await fleet.add(app);
    }
    await Promise.all([fleet.apiBalancer.start(), fleet.socketBalancer.start()]);
    return fleet;
  }

  get database(): string {
    return this.#postgres.url;
  }

  private get environment(): NodeJS.ProcessEnv {
    return {
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      RATE_LIMIT_PER_USER: '0',
      RATE_LIMIT_PER_ADDRESS: '0',
      RATE_LIMIT_EVENTS: '0',
      JWT_SECRET: this.#secret,
      DATABASE_URL: this.#postgres.url,
      REDIS_URL: this.#redis.url,
    };
  }

  async add(app: AppName): Promise<void> {
    const instance = `${app}-${(this.#count += 1)}`;
    const started = await new AppProcess({ app, instance, port: await freePort(), env: this.environment }).start();
    ({ api: this.apis, worker: this.workers, socket: this.sockets })[app].push(started);
  }

  tokenOf(user: string): Promise<string> {
    return new SignJWT({ scope: '' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(user)
      .setIssuer('tidings')
      .setAudience('tidings')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(new TextEncoder().encode(this.#secret));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.apis, ...this.workers, ...this.sockets].map((app) => app.kill()));
    this.apiBalancer.stop();
    this.socketBalancer.stop();
    await Promise.all([this.#redis.stop(), this.#postgres.stop()]);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
    if (!this.#postgres.folder.startsWith(this.#folder))
      await rm(this.#postgres.folder, { recursive: true, force: true });
  }
}
