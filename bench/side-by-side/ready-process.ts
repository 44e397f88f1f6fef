import { ManagedProcess } from '../../infra/local/managed-process.ts';
import type { AppServer } from './system.ts';

/** A process that prints `ready` when it serves. */
export class ReadyProcess extends ManagedProcess implements AppServer {
  readonly url: string;

  constructor(main: string, instance: string, port: number, env: NodeJS.ProcessEnv) {
    super({
      name: instance,
      command: process.execPath,
      args: [main],
      env: { ...process.env, NODE_ENV: 'production', ...env, PORT: String(port) },
      isReady: () => Promise.resolve(this.logs().split('\n').includes('ready')),
    });
    this.url = `http://127.0.0.1:${port}`;
  }
}
