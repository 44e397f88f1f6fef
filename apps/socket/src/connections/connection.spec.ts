import { expect, it } from 'vitest';
import type { Goaway } from '#contracts';
import { Connection } from './connection.ts';

const LONG_MS = 11_000;
const TOO_MUCH = 5 * 1024 * 1024;

/** Has a full buffer all the time, unless it is told otherwise; the network takes something when it is told to. */
class Crammed extends Connection {
  readonly id = 'crammed';
  isOpen = true;
  waiting = { messages: 100, bytes: 10_000 };
  readonly said: unknown[] = [];
  readonly closed: boolean[] = [];
  #resume: (() => void) | undefined;

  send(_name: string, message: object): void {
    this.said.push((message as Goaway).reason);
  }

  replay(): void {}
  enter(): void {}
  leave(): void {}

  protected close(atOnce: boolean): void {
    this.closed.push(atOnce);
  }

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

it('a client that has little to take, or less each time, is not too slow, one that has too much is at once', () => {
  const connection = new Crammed(null);
  let now = 0;
  for (const messages of [40, 30, 20, 10, 0, 0, 0]) {
    connection.waiting = { messages, bytes: 10_000 };
    expect(connection.isTooSlow((now += LONG_MS))).toBe(false);
  }
  connection.waiting = { messages: 1, bytes: TOO_MUCH };
  expect(connection.isTooSlow(now)).toBe(true);
});

it('a client that is gone is not waited for', async () => {
  const connection = new Crammed(null);
  const keeping = connection.keepsUp();
  connection.isOpen = false;
  await connection.take();
  await expect(Promise.all([keeping, connection.keepsUp()])).resolves.toBeDefined();
});

it('a client is told once why it has to go, and one that does not read is cut off at once', () => {
  const [slow, other] = [new Crammed(null), new Crammed(null)];
  slow.end('slow_consumer', 0);
  other.end('drain', 0);
  other.end('slow_consumer', 0);
  expect([slow.said, slow.closed]).toEqual([['slow_consumer'], [true]]);
  expect([other.said, other.closed]).toEqual([['drain'], [false]]);
});

it('what a client asks for is done in the order in which it asks, also after what fails', async () => {
  const connection = new Crammed(null);
  const done: string[] = [];
  const begun = Promise.withResolvers<void>();
  const session = connection.start(async () => {
    await begun.promise;
    done.push('session');
    throw new Error('away');
  });
  const asked = ['one', 'two'].map((name) => connection.inTurn(() => Promise.resolve(done.push(name))));
  const started = connection.started().then(() => done.push('started'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual([]);
  begun.resolve();
  await expect(session).rejects.toThrow('away');
  await Promise.all([...asked, started]);
  expect([done[0], done.toSorted()]).toEqual(['session', ['one', 'session', 'started', 'two']]);
  expect(done.indexOf('one')).toBeLessThan(done.indexOf('two'));
  await connection.started();
});
