import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedProcess } from './managed-process.ts';

const FIRST_BACKOFF_MS = 250;
const LONGEST_BACKOFF_MS = 10_000;
/** A process that ran this long starts again with the shortest delay. */
const STEADY_AFTER_MS = 30_000;

/** Apps use services, and so are ended before them. */
export type Group = 'app' | 'service';

export interface Supervised {
  name: string;
  group: Group;
  pid: number | undefined;
  running: boolean;
  restarts: number;
}

interface Member {
  process: ManagedProcess;
  group: Group;
  restarts: number;
  /** Set while it is stopped on purpose. */
  atRest: boolean;
  watch: Promise<void>;
}

/**
 * Keeps processes alive: who ends without being told to is started again, after a delay that
 * doubles as long as it does not stay up.
 */
export class Supervisor {
  readonly #members = new Map<string, Member>();
  readonly #say: (line: string) => void;
  readonly #closing = new AbortController();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Takes over a process that has been started. */
  add(process: ManagedProcess, group: Group): void {
    const member: Member = { process, group, restarts: 0, atRest: false, watch: Promise.resolve() };
    member.watch = this.#watch(member);
    this.#members.set(process.name, member);
  }

  list(): Supervised[] {
    return [...this.#members.values()].map(({ process, group, restarts }) => ({
      name: process.name,
      group,
      pid: process.pid,
      running: process.isRunning,
      restarts,
    }));
  }

  /** Sends a signal, by default SIGKILL; what dies of it comes back. */
  async kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#member(name).process.kill(signal);
  }

  /** Ends a process in an orderly way and starts it again. */
  async restart(name: string): Promise<void> {
    const member = this.#member(name);
    member.atRest = true;
    try {
      await member.process.stop();
      await member.watch;
      await member.process.start();
      member.restarts += 1;
    } finally {
      member.atRest = false;
      if (!this.#closing.signal.aborted) member.watch = this.#watch(member);
    }
  }

  /** Ends all: the apps together, then the services. */
  async stop(): Promise<void> {
    this.#closing.abort();
    for (const group of ['app', 'service'] satisfies Group[]) {
      const members = [...this.#members.values()].filter((member) => member.group === group);
      await Promise.all(members.map(stopMember));
    }
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (!member) throw new Error(`there is no process ${name}, only ${[...this.#members.keys()].join(', ')}`);
    return member;
  }

  #mayLeave(member: Member): boolean {
    return this.#closing.signal.aborted || member.atRest;
  }

  async #watch(member: Member): Promise<void> {
    const { process } = member;
    let backoff = FIRST_BACKOFF_MS;
    for (;;) {
      const since = Date.now();
      await process.ended();
      if (this.#mayLeave(member)) return;
      if (Date.now() - since > STEADY_AFTER_MS) backoff = FIRST_BACKOFF_MS;
      this.#say(`${process.name} ended; it is started again`);
      await delay(backoff, undefined, { signal: this.#closing.signal }).catch(() => {});
      if (this.#mayLeave(member)) return;
      backoff = Math.min(backoff * 2, LONGEST_BACKOFF_MS);
      member.restarts += 1;
      await process.start().then(
        () => this.#say(`${process.name} is back (process ${process.pid})`),
        (error: Error) => this.#closing.signal.aborted || this.#say(error.message),
      );
    }
  }
}

async function stopMember({ process, watch }: Member): Promise<void> {
  await process.stop();
  await watch;
  // One that was just being started again.
  await process.stop();
}
