import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CommandName, Commands, Reply, Request } from './protocol.ts';

/** The load generator of one system, as the runner sees it. */
export class LoadGenerator {
  readonly #child: ChildProcess;
  readonly #open = new Map<number, { resolve: (answer: never) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, answer, error }: Reply) => {
      const asked = this.#open.get(id);
      this.#open.delete(id);
      if (error === undefined) asked?.resolve(answer as never);
      else asked?.reject(new Error(`load generator: ${error}`));
    });
    child.once('exit', () => {
      for (const asked of this.#open.values()) asked.reject(new Error('the load generator ended'));
    });
  }

  static async start(): Promise<LoadGenerator> {
    const child = fork(fileURLToPath(new URL('load.main.ts', import.meta.url)));
    await once(child, 'message');
    return new LoadGenerator(child);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @throws {Error} when the load generator cannot do it */
  async tell<Name extends CommandName>(name: Name, ask: Commands[Name]['ask']): Promise<Commands[Name]['answer']> {
    this.#lastId += 1;
    const id = this.#lastId;
    const asked = Promise.withResolvers<Commands[Name]['answer']>();
    this.#open.set(id, asked);
    this.#child.send({ id, name, ask } satisfies Request<Name>);
    return asked.promise;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}
