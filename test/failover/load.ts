import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { AcceptedAction } from '#contracts';
import { LedgerCheck, startSystem, type Listener, type System, type TestUser } from '#testing';
import { heardAll } from '../delivery/sequence.ts';
import { drill, submitAll } from '../processing/drills.ts';

const USERS = 4;

/** Each user edits so many resources, again and again: their order counts. */
const RESOURCES_EACH = 5;
const EVERY_MS = 100;

/** The longest until everything is answered, after there is a master again, in milliseconds. */
const HEALED_MS = 30_000;

/** Longest time from an acceptance to the outcome, since a moment. */
const SLOWEST = `
select extract(epoch from max(finished_at - submitted_at)) * 1000 as ms from actions where finished_at > $1`;

/** A system on a Redis that may lose its master, users who submit all the time, and what they heard. */
export class Load {
  readonly #accepted = new Map<TestUser, AcceptedAction[]>();
  #submitting: Promise<void>[] = [];
  #isOn = false;

  private constructor(
    readonly system: System,
    private readonly users: readonly TestUser[],
    /** One for each user on each gateway. */
    private readonly listeners: ReadonlyMap<TestUser, Listener[]>,
    readonly ledger: LedgerCheck,
  ) {}

  static async on(redis: { url: string }): Promise<Load> {
    const system = await startSystem({ sockets: 2, workers: 2, redis });
    const users = await Promise.all(Array.from({ length: USERS }, (_, index) => system.user(`user-${index}`)));
    const listeners = new Map<TestUser, Listener[]>();
    for (const user of users)
      listeners.set(user, await Promise.all(system.sockets.map((socket) => user.connect(socket))));
    return new Load(system, users, listeners, new LedgerCheck(system.database));
  }

  begin(): void {
    this.#isOn = true;
    this.#submitting = this.users.map(async (user) => {
      const resources = Array.from({ length: RESOURCES_EACH }, () => randomUUID());
      while (this.#isOn) {
        await this.submit(
          user,
          resources.map((id) => drill({}, id)),
        );
        await delay(EVERY_MS);
      }
    });
  }

  /** Ends the load, and waits until each action has one outcome, and each was heard everywhere, once and in order. */
  async end(): Promise<void> {
    this.#isOn = false;
    await Promise.all(this.#submitting);
    await this.ledger.settled(HEALED_MS, 100);
    await this.allHeard();
  }

  /** Every user submits once more, and hears of it. */
  async once(): Promise<void> {
    await Promise.all(this.users.map((user) => this.submit(user, [drill()])));
    await this.allHeard();
  }

  get accepted(): number {
    return [...this.#accepted.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** What an action waited at most for its outcome, since a moment, in milliseconds. */
  async slowest(since: Date): Promise<number> {
    const [row] = await this.ledger.query<{ ms: string }>(SLOWEST, [since]);
    return Math.round(Number(row!.ms));
  }

  async stop(): Promise<void> {
    await this.ledger.close();
    await this.system.stop();
  }

  private async submit(user: TestUser, items: readonly ReturnType<typeof drill>[]): Promise<void> {
    const known = this.#accepted.get(user) ?? [];
    this.#accepted.set(user, known);
    known.push(...(await submitAll(user, items)));
  }

  private async allHeard(): Promise<void> {
    for (const [user, accepted] of this.#accepted)
      for (const listener of this.listeners.get(user)!) await heardAll(listener, accepted.length, HEALED_MS);
  }
}
