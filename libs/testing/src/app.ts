import { AppProcess, type AppName } from '../../../infra/local/app-process.ts';
import { freePort } from '../../../infra/local/ports.ts';
import { atEndOfFile } from './cleanup.ts';
import { showLogsOfFailures } from './failure-logs.ts';
import { JWT_SECRET } from './token.ts';

export type StartedApp = AppProcess;

/** Tests send all they have from one address. */
const SETTINGS = {
  NODE_ENV: 'test',
  JWT_SECRET,
  LOG_LEVEL: 'info',
  RATE_LIMIT_PER_USER: '0',
  RATE_LIMIT_PER_ADDRESS: '0',
  RATE_LIMIT_EVENTS: '0',
  MOST_CONNECTIONS_PER_USER: '0',
};

let started = 0;

/**
 * Starts a built app as a process of its own, on a free port, and waits until it is ready. It
 * ends with the test file; when a test fails, its last warnings are shown.
 *
 * @param env at least `DATABASE_URL` and `REDIS_URL`; `PORT` and `INSTANCE_ID` may be given too.
 * @param root where it is built, unless in this project
 */
export async function startApp(app: AppName, env: NodeJS.ProcessEnv, root?: string): Promise<StartedApp> {
  started += 1;
  const process = new AppProcess({
    app,
    instance: env['INSTANCE_ID'] ?? `${app}-${started}`,
    port: env['PORT'] ? Number(env['PORT']) : await freePort(),
    env: { ...SETTINGS, ...env },
    readyWithinMs: 60_000,
    ...(root !== undefined && { root }),
  });
  atEndOfFile(() => process.kill());
  showLogsOfFailures(process);
  return process.start();
}
