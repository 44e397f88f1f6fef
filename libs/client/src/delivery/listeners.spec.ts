import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import type { OutcomeEnvelope } from '#contracts';
import { eventually } from '#testing';
import type { TidingsError } from '../tidings-error.ts';
import { Listeners } from './listeners.ts';
import { EventIterator } from './event-iterator.ts';

function outcome(offset: number, channel = 'user:alice'): OutcomeEnvelope {
  return { offset, channel } as OutcomeEnvelope;
}

/** Delivers outcomes 1 to `count`; gives the offsets that were handled, as they come. */
function deliver(listeners: Listeners, count: number): number[] {
  const handled: number[] = [];
  for (let offset = 1; offset <= count; offset += 1) {
    listeners.deliver('outcome', outcome(offset), (isHandled) => isHandled && handled.push(offset));
  }
  return handled;
}

describe('an outcome', () => {
  it('is handled at once when nobody listens, or by listeners that return at once', () => {
    const listeners = new Listeners();
    expect(deliver(listeners, 2)).toEqual([1, 2]);
    const heard: number[] = [];
    listeners.add('outcome', ({ offset }) => heard.push(offset));
    expect(deliver(listeners, 3)).toEqual([1, 2, 3]);
    expect(heard).toEqual([1, 2, 3]);
  });

  it('is handled when the slowest listener has handled it and all before it; none waits for another', async () => {
    const listeners = new Listeners();
    const finish: (() => void)[] = [];
    const quick: number[] = [];
    listeners.add('outcome', () => new Promise<void>((resolve) => finish.push(resolve)));
    listeners.add('outcome', ({ offset }) => quick.push(offset));
    const handled = deliver(listeners, 2);
    expect(quick).toEqual([1, 2]);
    expect(handled).toEqual([]);
    expect(finish).toHaveLength(1);
    finish[0]!();
    await eventually(() => expect(handled).toEqual([1]));
    finish[1]!();
    await eventually(() => expect(handled).toEqual([1, 2]));
  });

  it('counts as handled when a listener throws, which is told as an error, and reaches the others', async () => {
    const listeners = new Listeners();
    const heard: number[] = [];
    const errors: TidingsError[] = [];
    listeners.add('error', (error) => errors.push(error));
    listeners.add('outcome', () => {
      throw new Error('one');
    });
    listeners.add('outcome', () => Promise.reject(new Error('two')));
    listeners.add('outcome', ({ offset }) => heard.push(offset));
    const handled = deliver(listeners, 1);
    await eventually(() => expect(handled).toEqual([1]));
    expect(heard).toEqual([1]);
    expect(errors.map(({ code, cause }) => [code, (cause as Error).message])).toEqual([
      ['LISTENER_FAILED', 'one'],
      ['LISTENER_FAILED', 'two'],
    ]);
  });

  it('is not waited for by a listener that has left, and is not handled when it waited only there', async () => {
    const listeners = new Listeners();
    const end = listeners.add('outcome', () => delay(5));
    const handled = deliver(listeners, 3);
    end();
    end();
    const last = vi.fn<() => void>();
    listeners.deliver('outcome', outcome(9, 'user:bob'), last);
    await eventually(() => expect(last).toHaveBeenCalled());
    expect(handled).toEqual([1]);
  });

  it('is handled when another listener has handled what waited where one left', async () => {
    const listeners = new Listeners();
    const heard: number[] = [];
    const end = listeners.add('outcome', () => delay(5));
    listeners.add('outcome', ({ offset }) => heard.push(offset));
    const handled = deliver(listeners, 3);
    end();
    await eventually(() => expect(handled).toEqual([1, 2, 3]));
    expect(heard).toEqual([1, 2, 3]);
  });

  it('does not come to a listener that another one has taken away, nor to one that is added meanwhile', () => {
    const listeners = new Listeners();
    const heard: string[] = [];
    const take = (): void => {
      end();
      listeners.add('outcome', () => heard.push('added'));
      listeners.add('state', () => heard.push('added'));
    };
    listeners.add('outcome', take);
    listeners.add('state', take);
    const ends = [
      listeners.add('outcome', () => heard.push('taken away')),
      listeners.add('state', () => heard.push('taken away')),
    ];
    const end = (): void => ends.forEach((endOne) => endOne());
    listeners.emit('state', 'online');
    expect(deliver(listeners, 1)).toEqual([1]);
    expect(heard).toEqual(['added']);
  });
});

describe('outcomes as an iterator', () => {
  function iterate(listeners: Listeners): EventIterator<OutcomeEnvelope> {
    const iterator = new EventIterator<OutcomeEnvelope>(() => end());
    const end = listeners.add('outcome', (value) => iterator.offer(value));
    return iterator;
  }

  it('are all there, in order; one is handled when the next is asked for', async () => {
    const listeners = new Listeners();
    const iterator = iterate(listeners);
    const handled = deliver(listeners, 3);
    expect((await iterator.next()).value?.offset).toBe(1);
    await turn();
    expect(handled).toEqual([]);
    expect((await iterator.next()).value?.offset).toBe(2);
    expect(handled).toEqual([1]);
    expect((await iterator.next()).value?.offset).toBe(3);
    const next = iterator.next();
    await eventually(() => expect(handled).toEqual([1, 2, 3]));
    deliver(listeners, 1);
    expect((await next).value?.offset).toBe(1);
  });

  it('can be asked for ahead', async () => {
    const listeners = new Listeners();
    const iterator = iterate(listeners);
    const asked = [iterator.next(), iterator.next()];
    deliver(listeners, 2);
    expect((await Promise.all(asked)).map(({ value }) => value?.offset)).toEqual([1, 2]);
  });

  it('end for who waits, and for who leaves the loop', async () => {
    const listeners = new Listeners();
    const iterator = iterate(listeners);
    const waiting = iterator.next();
    await iterator.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });

    const left = iterate(listeners);
    const handled = deliver(listeners, 3);
    for await (const { offset } of left) if (offset === 2) break;
    await eventually(() => expect(handled).toEqual([1, 2]));
  });

  it('do not wait for a loop that another listener has left', async () => {
    const listeners = new Listeners();
    listeners.add('outcome', () => void iterator.return());
    const iterator = iterate(listeners);
    const last = vi.fn<() => void>();
    const handled = deliver(listeners, 1);
    listeners.deliver('outcome', outcome(1, 'user:bob'), last);
    await eventually(() => expect(last).toHaveBeenCalled());
    expect(handled).toEqual([1]);
  });
});
