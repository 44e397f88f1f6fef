import { expect, it } from 'vitest';
import { Connection } from './connection.ts';

const LONG_MS = 11_000;

/** Has a full buffer all the time; the network takes something when it is told to. */
class Crammed extends Connection {
  readonly id = 'crammed';
  readonly isOpen = true;
  readonly waiting = { messages: 100, bytes: 10_000 };
  #resume: (() => void) | undefined;

  send(): void {}
  enter(): void {}
  leave(): void {}
  protected close(): void {}

  drained(): Promise<void> {
    return new Promise((resolve) => (this.#resume = resolve));
  }

  async take(): Promise<void> {
    this.#resume!();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('a client that takes what a long replay fills up again is not too slow, one that takes nothing is', async () => {
  const connection = new Crammed(null);
  void connection.keepsUp();
  let now = 0;
  for (let taken = 0; taken < 5; taken += 1) {
    expect(connection.isTooSlow((now += LONG_MS / 2))).toBe(false);
    await connection.take();
  }
  expect(connection.isTooSlow(now)).toBe(false);
  expect(connection.isTooSlow(now + LONG_MS)).toBe(true);
});
