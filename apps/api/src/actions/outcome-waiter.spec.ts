import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Action } from '#contracts';
import type { Ledger } from '#ledger';
import { eventually } from '#testing';
import { OutcomeWaiter } from './outcome-waiter.ts';

/** Longer than a test may take, in milliseconds. */
const LONG_MS = 600_000;

const MOST = 5_000;

/** What is to be answered, as far as the waiter knows it. */
class Answer extends EventEmitter {
  closed = false;
}

const answer = (): never => new Answer() as never;

/** A ledger that keeps what it was asked for, and gives what was put into `finished`. */
class FakeLedger {
  readonly finished = new Map<string, Action>();
  readonly asked: (readonly string[])[] = [];
  isHung = false;
  isAway = false;

  findFinished(ids: readonly string[]): Promise<Action[]> {
    this.asked.push(ids);
    if (this.isHung) return new Promise(() => undefined);
    if (this.isAway) return Promise.reject(new Error('away'));
    return Promise.resolve(ids.flatMap((id) => this.finished.get(id) ?? []));
  }
}

function setUp(): { ledger: FakeLedger; waiter: OutcomeWaiter } {
  const ledger = new FakeLedger();
  return { ledger, waiter: new OutcomeWaiter(ledger as unknown as Ledger) };
}

describe('who waits for an outcome', () => {
  it('gets it once it is there, all that wait for it', async () => {
    const { ledger, waiter } = setUp();
    const waiting = ['a', 'a', 'b'].map((id) => waiter.wait(id, LONG_MS, answer())!);
    await eventually(() => expect(ledger.asked.length).toBeGreaterThan(0));
    const [a, b] = [{ id: 'a' } as Action, { id: 'b' } as Action];
    ledger.finished.set('a', a).set('b', b);
    expect(await Promise.all(waiting)).toEqual([a, a, b]);
  });

  it('gets nothing when the time is over, however long a look takes', async () => {
    const { ledger, waiter } = setUp();
    ledger.isHung = true;
    const late = waiter.wait('a', LONG_MS, answer());
    await eventually(() => expect(ledger.asked).toHaveLength(1));
    expect(await waiter.wait('b', 1, answer())).toBeUndefined();
    waiter.beforeApplicationShutdown();
    expect(await late).toBeUndefined();
  });

  it('waits on while the ledger is away', async () => {
    const { ledger, waiter } = setUp();
    ledger.isAway = true;
    const waiting = waiter.wait('a', LONG_MS, answer());
    await eventually(() => expect(ledger.asked.length).toBeGreaterThan(1));
    const action = { id: 'a' } as Action;
    ledger.finished.set('a', action);
    ledger.isAway = false;
    expect(await waiting).toEqual(action);
  });

  it('gets nothing when the process ends, nor does who comes later', async () => {
    const { waiter } = setUp();
    const waiting = waiter.wait('a', LONG_MS, answer());
    waiter.beforeApplicationShutdown();
    expect(await waiting).toBeUndefined();
    expect(waiter.wait('b', LONG_MS, answer())).toBeUndefined();
  });

  it('is not asked for any more when the client has gone', async () => {
    const { ledger, waiter } = setUp();
    const gone = new Answer();
    const waiting = [waiter.wait('a', LONG_MS, gone as never), waiter.wait('b', LONG_MS, answer())];
    await eventually(() => expect(ledger.asked.at(-1)).toEqual(['a', 'b']));
    gone.emit('close');
    expect(await waiting[0]).toBeUndefined();
    await eventually(() => expect(ledger.asked.at(-1)).toEqual(['b']));
    gone.closed = true;
    expect(waiter.wait('a', LONG_MS, gone as never)).toBeUndefined();
    waiter.beforeApplicationShutdown();
  });

  it('is one of a bounded number', async () => {
    const { waiter } = setUp();
    const waiting = Array.from({ length: MOST }, (_, index) => waiter.wait(String(index), LONG_MS, answer())!);
    expect(waiter.wait('more', LONG_MS, answer())).toBeUndefined();
    waiter.beforeApplicationShutdown();
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => undefined));
  });
});
