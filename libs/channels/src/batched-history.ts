import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Cursor } from '#contracts';
import type { ChannelHistory, HistoryPage, HistoryRequest } from './channel-history.ts';

/** Most requests in one query. */
const BATCH = 200;

/** Queries under way at once; further requests gather meanwhile. */
const CONCURRENCY = 2;

/** Requests that come so soon after a query gather for the next one, in milliseconds; a lone one never waits. */
const GATHER_MS = 50;

/**
 * Answers given at once. Between them, the event loop turns: it takes in one new connection a
 * turn, and what happens now must not wait for what is replayed.
 */
const SLICE = 20;

interface Waiting<Request, Answer> {
  request: Request;
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/** Joins the requests of one moment into few calls, whose answers come in the order of the requests. */
export class Batches<Request, Answer> {
  readonly #waiting: Waiting<Request, Answer>[] = [];
  #running = 0;
  #scheduled = false;
  #lastAt = -Infinity;

  constructor(private readonly ask: (requests: Request[]) => Promise<Answer[]>) {}

  add(request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.#scheduled || this.#running >= CONCURRENCY || this.#waiting.length === 0) return;
    this.#scheduled = true;
    const start = (): void => {
      this.#scheduled = false;
      void this.run();
    };
    const wait = this.#waiting.length < BATCH ? this.#lastAt + GATHER_MS - performance.now() : 0;
    if (wait > 0) setTimeout(start, wait);
    else setImmediate(start);
  }

  private async run(): Promise<void> {
    const batch = this.#waiting.splice(0, BATCH);
    this.#running += 1;
    this.#lastAt = performance.now();
    this.schedule();
    try {
      const answers = await this.ask(batch.map(({ request }) => request));
      for (const [index, { resolve }] of batch.entries()) {
        if (index > 0 && index % SLICE === 0) await nextTurn();
        resolve(answers[index]!);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#running -= 1;
      this.schedule();
    }
  }
}

/** Reads once what many ask for: the tabs of a user, or the members of a room, come back with the same cursor. */
async function readOnce(history: ChannelHistory, requests: readonly HistoryRequest[]): Promise<HistoryPage[]> {
  const keys = requests.map(({ channel, after, check, limit }) => JSON.stringify([channel, after, check, limit]));
  const different = new Map(keys.map((key, index) => [key, requests[index]!]));
  const read = await history.read([...different.values()]);
  const pages = new Map([...different.keys()].map((key, index) => [key, read[index]!]));
  return keys.map((key) => pages.get(key)!);
}

/** The history for many askers: a thousand clients that come back at once cost a handful of queries. */
export class BatchedHistory {
  readonly #reads: Batches<HistoryRequest, HistoryPage>;
  readonly #heads: Batches<string, Cursor>;

  constructor(history: ChannelHistory) {
    this.#reads = new Batches((requests) => readOnce(history, requests));
    this.#heads = new Batches((channels) => history.heads(channels));
  }

  /** A page of one channel. */
  read(request: HistoryRequest): Promise<HistoryPage> {
    return this.#reads.add(request);
  }

  /** The newest position of one channel. */
  head(channel: string): Promise<Cursor> {
    return this.#heads.add(channel);
  }
}
