import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { afterAll } from 'vitest';
import { JWT_SECRET, type System } from '#testing';
import type { Reply } from './runtime.ts';

const RUNTIME = fileURLToPath(new URL('runtime.ts', import.meta.url));
const BUNDLE = fileURLToPath(new URL('../../dist/bundle/lambda.mjs', import.meta.url));

const running = new Set<LambdaProcess>();

afterAll(async () => {
  await Promise.all([...running].map((process) => process.stop()));
});

/** A process that runs the bundle as AWS does: it loads the module, then hands it one event at a time. */
export class LambdaProcess {
  #last: Promise<unknown> = Promise.resolve();
  readonly #ended: Promise<never>;

  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
  ) {
    this.#ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the function ended with ${String(code)}`);
    });
    this.#ended.catch(() => undefined);
  }

  static async start({ database, redis }: System, env: NodeJS.ProcessEnv = {}): Promise<LambdaProcess> {
    // Where no packages are found: nothing but the one file may be needed.
    const directory = await mkdtemp(join(tmpdir(), 'tidings-lambda-'));
    const file = join(directory, 'lambda.mjs');
    await copyFile(BUNDLE, file);
    const child = fork(RUNTIME, [file], {
      cwd: directory,
      env: {
        NODE_ENV: 'test',
        LOG_LEVEL: 'warn',
        DATABASE_URL: database,
        DATABASE_POOL_SIZE: '1',
        REDIS_URL: redis.url,
        REDIS_PREFIX: redis.prefix,
        JWT_SECRET,
        RATE_LIMIT_PER_USER: '0',
        RATE_LIMIT_PER_ADDRESS: '0',
        ...env,
      },
    });
    const lambda = new LambdaProcess(child, directory);
    running.add(lambda);
    await lambda.reply();
    return lambda;
  }

  /** @throws {Error} when the handler does */
  invoke(event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyStructuredResultV2> {
    const next = this.#last.then(() => {
      this.child.send({ event, context });
      return this.reply();
    });
    this.#last = next.catch(() => undefined);
    return next;
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await rm(this.directory, { recursive: true, force: true });
  }

  private async reply(): Promise<APIGatewayProxyStructuredResultV2> {
    const [{ result, error }] = (await Promise.race([once(this.child, 'message'), this.#ended])) as [Reply];
    if (error !== undefined) throw new Error(error);
    return result ?? {};
  }
}
