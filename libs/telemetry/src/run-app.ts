import type { INestApplication } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger } from 'nestjs-pino';
import { ProcessConfig } from '#config';
import { dieAtCheckpoint } from './checkpoint.ts';
import { startDraining } from './draining.ts';
import { startTracing } from './tracing.ts';
import { unusedConnections } from './unused-connections.ts';

/**
 * Most connections that wait to be accepted; the system may allow less (`somaxconn`). With the
 * default, 511, most of thousands that come at once are dropped, and try again seconds later.
 */
const BACKLOG = 16_384;

/**
 * Listens, and on SIGTERM or SIGINT shuts down: not ready first, then without new connections;
 * then the parts of the app finish what they have. Exit code 0 within `SHUTDOWN_GRACE_MS`,
 * even when Redis or Postgres do not let go.
 */
export async function runApp(app: NestFastifyApplication, name: string): Promise<void> {
  useStructuredLogger(app);
  const logger = app.get(Logger);
  const { HOST, PORT, SHUTDOWN_GRACE_MS, DRAIN_DELAY_MS, CRASH_POINT } = app.get(ProcessConfig);
  if (CRASH_POINT !== undefined) dieAtCheckpoint(CRASH_POINT);
  const endTracing = await startTracing(name);
  const server = app.getHttpServer();
  const connections = unusedConnections(server);
  const stop = (signal: NodeJS.Signals): void => {
    logger.log(`${signal}: shutting down`);
    startDraining();
    setTimeout(() => process.exit(0), SHUTDOWN_GRACE_MS).unref();
    setTimeout(() => {
      server.close();
      connections.endWhenClosed();
      app
        .close()
        .then(endTracing)
        .catch((error: unknown) => logger.error(error))
        .finally(() => process.exit(0));
    }, DRAIN_DELAY_MS);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  await app.listen({ port: PORT, host: HOST, backlog: BACKLOG });
  logger.log(`listens on ${await app.getUrl()}`);
}

/** Lets everything log through pino, what was logged before included. */
export function useStructuredLogger(app: INestApplication): void {
  app.useLogger(app.get(Logger));
}

/** Ends a process that cannot start, with the reason on one line or two. */
export function failToStart(error: unknown): never {
  process.stderr.write(`cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
