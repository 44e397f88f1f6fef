import { createClient, type ClientOptions, type TidingsClient } from '#client';

/** What is wrong with what a user heard: how often, of each kind. */
export interface Wrongs {
  lost: number;
  doubled: number;
  /** Offsets of the own channel, or actions on one message, out of their order. */
  reordered: number;
  /** Never submitted by the user. */
  foreign: number;
  /** Sessions that could not go on where the client was. */
  unrecovered: number;
  /** Submits that were not accepted. */
  refused: number;
}

/** Somebody with the SDK, who keeps changing a message of theirs. */
export class DeployUser {
  readonly client: TidingsClient;
  /** When each action was submitted, and on which message, by its id; in the order in which they were accepted. */
  readonly #submitted = new Map<string, { at: number; message: string }>();
  /** When each outcome was heard, by its action. */
  readonly #heard = new Map<string, number>();
  readonly #wrongs: Wrongs = { lost: 0, doubled: 0, reordered: 0, foreign: 0, unrecovered: 0, refused: 0 };
  #lastOffset = 0;
  #message: string | undefined;
  #count = 0;

  constructor(options: ClientOptions) {
    this.client = createClient(options);
    this.client.on('session', ({ recovered }) => void (this.#wrongs.unrecovered += recovered ? 0 : 1));
    this.client.on('outcome', ({ offset, data }) => {
      if (this.#heard.has(data.id)) this.#wrongs.doubled += 1;
      if (offset !== this.#lastOffset + 1) this.#wrongs.reordered += 1;
      this.#lastOffset = offset;
      this.#heard.set(data.id, performance.now());
    });
  }

  /** Creates the message, or edits it. */
  async act(): Promise<void> {
    const startedAt = performance.now();
    const text = `${(this.#count += 1)}`;
    try {
      const { action } = await (this.#message === undefined
        ? this.client.messages.create({ text })
        : this.client.messages.edit(this.#message, { text }));
      this.#message ??= action.resource.id;
      this.#submitted.set(action.id, { at: startedAt, message: action.resource.id });
    } catch {
      this.#wrongs.refused += 1;
    }
  }

  /** How many outcomes are yet to come. */
  get awaited(): number {
    return this.#submitted.size - this.#heard.size;
  }

  get accepted(): number {
    return this.#submitted.size;
  }

  /** Times from submit to outcome of what was submitted between two moments, in milliseconds. */
  latencies(from: number, to: number): number[] {
    const within = [...this.#submitted].filter(([, { at }]) => at >= from && at <= to);
    return within.map(([id, { at }]) => (this.#heard.get(id) ?? Infinity) - at);
  }

  /** The same actions, those on one message behind each other. */
  private byMessage(ids: readonly string[]): string[] {
    const messages = [...new Set([...this.#submitted.values()].map(({ message }) => message))];
    const groups = Map.groupBy(ids, (id) => this.#submitted.get(id)!.message);
    return messages.flatMap((message) => groups.get(message) ?? []);
  }

  judge(): Wrongs {
    const heard = [...this.#heard.keys()];
    const submitted = [...this.#submitted.keys()];
    const own = heard.filter((id) => this.#submitted.has(id));
    // Who is slow to be answered has created several messages, and between these there is no order.
    const order = this.byMessage(own);
    const expected = this.byMessage(submitted.filter((id) => this.#heard.has(id)));
    return {
      ...this.#wrongs,
      lost: submitted.length - own.length,
      foreign: heard.length - own.length,
      reordered: this.#wrongs.reordered + order.filter((id, index) => id !== expected[index]).length,
    };
  }
}
