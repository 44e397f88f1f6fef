import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ManagedProcess } from './managed-process.ts';
import { ROOT } from './run-tool.ts';

export const APPS = ['api', 'worker', 'socket'] as const;
export type AppName = (typeof APPS)[number];

export interface AppProcessOptions {
  app: AppName;
  /** Name of the instance, e.g. `socket-1`. */
  instance: string;
  port: number;
  env: NodeJS.ProcessEnv;
  /** Where it is built, unless in this project. */
  root?: string;
  readyWithinMs?: number;
  onLine?: (line: string) => void;
}

/**
 * As in the Dockerfile. What a request or an action leaves dies young; but V8 comes to the
 * opinion that it lives long, and makes some of it old from birth, which keeps all alive that
 * this refers to. And an idle process that has given its memory back collects all the time when
 * work comes again, which delays that. Short-lived garbage of thousands of connections needs a
 * large young generation.
 */
const V8_OPTIONS: Record<AppName, string[]> = {
  api: ['--no-allocation-site-pretenuring', '--no-memory-reducer'],
  worker: ['--no-allocation-site-pretenuring', '--no-memory-reducer'],
  socket: ['--max-semi-space-size=16'],
};

/** A built app as a process of its own, on a port of the loopback address. */
export class AppProcess extends ManagedProcess {
  readonly url: string;

  constructor({ app, instance, port, env, root = ROOT, readyWithinMs, onLine }: AppProcessOptions) {
    const url = `http://127.0.0.1:${port}`;
    super({
      name: instance,
      command: process.execPath,
      args: ['--enable-source-maps', ...V8_OPTIONS[app], mainOf(root, app)],
      cwd: root,
      env: { ...process.env, HOST: '127.0.0.1', ...env, PORT: String(port), INSTANCE_ID: instance },
      isReady: async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok,
      ...(readyWithinMs === undefined ? {} : { readyWithinMs }),
      ...(onLine === undefined ? {} : { onLine }),
    });
    this.url = url;
  }
}

function mainOf(root: string, app: AppName): string {
  const file = join(root, `dist/apps/${app}/src/main.js`);
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first`);
  return file;
}
