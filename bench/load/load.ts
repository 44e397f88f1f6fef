import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../processing/figure.ts';
import { median } from '../side-by-side/statistics.ts';
import { Clients } from './clients.ts';
import { Operations } from './operations.ts';
import type { FanOutResult, LoadResult, Target } from './protocol.ts';
import { Submitter } from './submitter.ts';

const UUID_LENGTH = 36;
const TICK_MS = 1;

/** How long an accepted action may take to be heard of before it counts as lost, in milliseconds. */
const LOST_AFTER_MS = 15_000;

/** How long whoever was refused waits before the next submit, in milliseconds. */
const REFUSED_WAIT_MS = 50;

const TEXT = 'a message of ordinary length, as people write them';

/** One system under load: its clients, and what they submit. */
export class Load {
  readonly clients: Clients;
  readonly #target: Target;
  readonly #submitter: Submitter;
  readonly #operations = new Operations();
  /** When each client heard an announcement. */
  readonly #announced: number[] = [];
  #next = 0;
  #submitted = 0;
  #refused = 0;

  constructor(target: Target, users: number, prefix: string) {
    this.#target = target;
    this.#submitter = new Submitter(target.api);
    this.clients = new Clients(target, users, prefix, (message) => this.hear(message));
  }

  async closed(inFlight: number, seconds: number, rooms: string[] = []): Promise<LoadResult> {
    return this.measured(seconds, rooms, (submit) => {
      this.#operations.onDone = submit;
      for (let count = 0; count < inFlight; count += 1) submit();
      return delay(seconds * 1_000);
    });
  }

  async open(perSecond: number, seconds: number, rooms: string[] = []): Promise<LoadResult> {
    return this.measured(seconds, rooms, async (submit) => {
      const startedAt = performance.now();
      const all = perSecond * seconds;
      for (let sent = 0; sent < all;) {
        const due = Math.min(all, Math.floor(((performance.now() - startedAt) / 1_000) * perSecond) + 1);
        for (; sent < due; sent += 1) submit();
        await delay(TICK_MS);
      }
    });
  }

  async announce(): Promise<FanOutResult> {
    this.#announced.length = 0;
    const all = this.clients.connected;
    const body = JSON.stringify({ audience: 'everyone', title: 'hello', body: TEXT });
    const startedAt = performance.now();
    let isRefused = false;
    this.#submitter.post('/v1/announcements', this.clients.users[0]!.authorization, body, (id) => {
      isRefused = id === undefined;
    });
    while (this.#announced.length < all && performance.now() - startedAt < LOST_AFTER_MS) await delay(TICK_MS);
    if (isRefused) throw new Error('the announcement was refused');
    const after = this.#announced.map((at) => at - startedAt);
    return { heard: after.length, p50: median(after), last: Math.max(...after) };
  }

  async close(): Promise<void> {
    this.clients.close();
    await this.#submitter.close();
  }

  private async measured(
    seconds: number,
    rooms: readonly string[],
    generate: (submit: () => void) => Promise<void>,
  ): Promise<LoadResult> {
    const operations = this.#operations;
    operations.forget();
    this.#submitted = 0;
    this.#refused = 0;
    let isOver = false;
    await generate(() => {
      if (!isOver) this.submit(rooms);
    });
    const perSecond = operations.latencies.length / seconds;
    isOver = true;
    operations.onDone = () => undefined;
    const deadline = performance.now() + LOST_AFTER_MS;
    const isOpen = (): boolean => operations.latencies.length + this.#refused < this.#submitted;
    while (isOpen() && performance.now() < deadline) await delay(5);
    const { latencies } = operations;
    return {
      submitted: this.#submitted,
      refused: this.#refused,
      outcomes: latencies.length,
      lost: this.#submitted - this.#refused - latencies.length,
      perSecond,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
    };
  }

  private submit(rooms: readonly string[]): void {
    const { users } = this.clients;
    const number = this.#next;
    this.#next += 1;
    this.#submitted += 1;
    const roomId = rooms.length === 0 ? undefined : rooms[number % rooms.length];
    const body = JSON.stringify({ text: TEXT, roomId });
    const sentAt = performance.now();
    this.#submitter.post('/v1/messages', users[number % users.length]!.authorization, body, (id) => {
      if (id === undefined) {
        this.#refused += 1;
        // Not at once: what refuses everything must not be asked for ever.
        setTimeout(() => this.#operations.onDone(), REFUSED_WAIT_MS);
      } else if (this.#target.wire.hears) this.#operations.accepted(id, sentAt);
      else this.#operations.done(performance.now() - sentAt);
    });
  }

  private hear(message: string): void {
    const { outcome, beforeId } = this.#target.wire;
    if (message.startsWith(outcome)) {
      const start = message.indexOf(beforeId) + beforeId.length;
      this.#operations.heard(message.slice(start, start + UUID_LENGTH));
    } else if (message.includes('"announcement"')) this.#announced.push(performance.now());
  }
}
