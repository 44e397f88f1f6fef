import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Envelope } from '#contracts';
import { eventually } from '#testing';
import { BatchedHistory } from './batched-history.ts';
import { MemoryHistory } from './memory-history.ts';
import { OrderedChannel } from './ordered-channel.ts';

Logger.overrideLogger(false);

const NAME = 'user:alice';

function setUp({ deliver = () => Promise.resolve() }: { deliver?: (event: Envelope) => Promise<void> } = {}) {
  const history = new MemoryHistory();
  const delivered: Envelope[] = [];
  const onEpoch = vi.fn<(channel: string) => void>();
  const onFilled = vi.fn<(count: number) => void>();
  const channel = new OrderedChannel(NAME, {
    history: new BatchedHistory(history),
    deliver: async (event) => {
      delivered.push(event);
      await deliver(event);
    },
    onEpoch,
    onFilled,
  });
  const append = (count: number): Envelope[] => Array.from({ length: count }, () => history.append(NAME));
  const offsets = (): number[] => delivered.map(({ offset }) => offset);
  /** A step behind everything that came so far. */
  const settled = (reached = 0): Promise<number> => channel.at(reached, ({ offset }) => offset);
  return { history, channel, delivered, onEpoch, onFilled, append, offsets, settled };
}

function startedAtZero(options?: Parameters<typeof setUp>[0]): ReturnType<typeof setUp> {
  const setting = setUp(options);
  setting.channel.start(setting.history.head(NAME));
  return setting;
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

afterEach(() => {
  vi.useRealTimers();
});

describe('OrderedChannel', () => {
  it('delivers the next event without asking the history', async () => {
    const { channel, append, offsets, settled, history } = startedAtZero();
    for (const event of append(3)) channel.receive(event);
    await settled();
    expect(offsets()).toEqual([1, 2, 3]);
    expect(history.reads).toEqual([]);
  });

  it('drops an event that it has delivered', async () => {
    const { channel, append, offsets, settled } = startedAtZero();
    const [first, second] = append(2);
    for (const event of [first, first, second, first, second]) channel.receive(event!);
    await settled();
    expect(offsets()).toEqual([1, 2]);
  });

  it('reads what is missing before an event ahead, and counts it', async () => {
    const { channel, append, offsets, settled, onFilled } = startedAtZero();
    const events = append(4);
    channel.receive(events[0]!);
    channel.receive(events[3]!);
    await settled();
    expect(offsets()).toEqual([1, 2, 3, 4]);
    expect(onFilled.mock.calls.reduce((sum, [count]) => sum + count, 0)).toBe(3);
  });

  it('reads a gap that is longer than a page', async () => {
    const { channel, append, offsets, settled } = startedAtZero();
    channel.receive(append(450).at(-1)!);
    await settled();
    expect(offsets()).toEqual(upTo(450));
  });

  it('keeps what comes before its position is known, and drops what lies before that', async () => {
    const { channel, append, offsets, settled, history } = setUp();
    const before = append(2);
    const position = history.head(NAME);
    for (const event of [...before, ...append(1)]) channel.receive(event);
    expect(channel.position).toBeUndefined();
    channel.start(position);
    await settled();
    expect(offsets()).toEqual([3]);
  });

  it('goes on when somebody brings an event that the history does not know', async () => {
    const { channel, append, offsets, settled, history } = startedAtZero();
    channel.receive({ ...append(1)[0]!, offset: 9 });
    expect(await settled()).toBe(1);
    channel.receive(append(1)[0]!);
    await settled();
    expect(offsets()).toEqual([1, 2]);
    expect(history.reads.length).toBeLessThan(4);
  });

  it('loses nothing when more comes at once than it lets wait', async () => {
    const { channel, append, offsets, settled, history, onFilled } = setUp();
    const position = history.head(NAME);
    for (const event of append(1_500)) channel.receive(event);
    channel.start(position);
    await settled(1_500);
    expect(offsets()).toEqual(upTo(1_500));
    expect(onFilled.mock.calls.reduce((sum, [count]) => sum + count, 0)).toBe(500);
  });

  it('delivers one event at a time', async () => {
    let under = 0;
    let most = 0;
    const { channel, append, settled } = startedAtZero({
      deliver: async () => {
        most = Math.max(most, (under += 1));
        await turn();
        under -= 1;
      },
    });
    for (const event of append(5)) channel.receive(event);
    await settled();
    expect(most).toBe(1);
  });

  it('goes on after a handler that fails', async () => {
    const { channel, append, offsets, settled } = startedAtZero({ deliver: () => Promise.reject(new Error('broken')) });
    for (const event of append(2)) channel.receive(event);
    await settled();
    expect(offsets()).toEqual([1, 2]);
  });

  it('delivers what it missed soon after the history is back, however long it was away', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { channel, append, offsets, history } = startedAtZero();
    history.isAway = true;
    channel.receive(append(3).at(-1)!);
    while (history.reads.length < 9) {
      await turn();
      await vi.advanceTimersByTimeAsync(50);
    }
    expect(offsets()).toEqual([]);
    history.isAway = false;
    let waitedMs = 0;
    for (const everyMs = 50; offsets().length < 3 && waitedMs < 10_000; waitedMs += everyMs) {
      await turn();
      await vi.advanceTimersByTimeAsync(everyMs);
    }
    expect(offsets()).toEqual([1, 2, 3]);
    expect(waitedMs).toBeLessThan(2_500);
  });

  describe('at', () => {
    it('runs between two deliveries, at the position of that moment', async () => {
      const { channel, append, offsets } = startedAtZero();
      const [first, second] = append(2);
      channel.receive(first!);
      const joined = channel.at(0, async ({ offset }) => {
        await turn();
        return { offset, delivered: offsets() };
      });
      channel.receive(second!);
      expect(await joined).toEqual({ offset: 1, delivered: [1] });
      await channel.at(0, () => undefined);
      expect(offsets()).toEqual([1, 2]);
    });

    it('reads up to where the asker has been already', async () => {
      const { append, offsets, settled } = startedAtZero();
      append(3);
      expect(await settled(3)).toBe(3);
      expect(offsets()).toEqual([1, 2, 3]);
    });

    it('tells the asker that its step failed, and goes on', async () => {
      const { channel, append, offsets, settled } = startedAtZero();
      const failing = channel.at(0, () => Promise.reject(new Error('left meanwhile')));
      channel.receive(append(1)[0]!);
      await expect(failing).rejects.toThrow('left meanwhile');
      await settled();
      expect(offsets()).toEqual([1]);
    });
  });

  describe('compare', () => {
    it('fetches what the head of the history is ahead', async () => {
      const { channel, append, offsets, settled, history } = startedAtZero();
      append(2);
      channel.compare(history.head(NAME), channel.position!);
      await settled();
      expect(offsets()).toEqual([1, 2]);
    });

    it('does nothing when the head is what had been seen', async () => {
      const { channel, settled, history, onEpoch } = startedAtZero();
      channel.compare(history.head(NAME), channel.position!);
      await settled();
      expect(history.reads).toEqual([]);
      expect(onEpoch).not.toHaveBeenCalled();
    });

    it.each([
      ['shorter', 1],
      ['as long', 3],
      ['longer', 5],
    ])('notices another history that is %s, and goes on from its head', async (_, length) => {
      const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
      for (const event of append(3)) channel.receive(event);
      await settled();
      history.startAnew();
      append(length);
      channel.compare(history.head(NAME), channel.position!);
      await settled();
      expect(onEpoch.mock.calls).toEqual([[NAME]]);
      expect(channel.position).toEqual(history.head(NAME));
      channel.receive(append(1)[0]!);
      await settled();
      expect(offsets()).toEqual([1, 2, 3, length + 1]);
    });

    it('notices another history while an event of the old one is being delivered', async () => {
      const slow = Promise.withResolvers<void>();
      const { channel, append, delivered, settled, history, onEpoch } = startedAtZero({ deliver: () => slow.promise });
      const seen = channel.position!;
      channel.receive(append(1)[0]!);
      await eventually(() => expect(delivered).toHaveLength(1));
      history.startAnew();
      channel.compare(history.head(NAME), seen);
      slow.resolve();
      await settled();
      expect(channel.position).toEqual(history.head(NAME));
      expect(onEpoch).toHaveBeenCalledTimes(1);
    });
  });

  it('notices another history when it reads a gap', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    channel.receive(append(1)[0]!);
    await settled();
    history.startAnew();
    const [, , third] = append(3);
    channel.receive(third!);
    await settled();
    expect(onEpoch.mock.calls).toEqual([[NAME]]);
    expect(offsets()).toEqual([1]);
    expect(channel.position).toEqual(history.head(NAME));
  });

  it('notices another history at the next event when messages may have been lost', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    for (const event of append(3)) channel.receive(event);
    await settled();
    channel.doubt();
    history.startAnew();
    // Its first three came to nobody here; this one would be the next.
    channel.receive(append(4).at(-1)!);
    await settled();
    expect(onEpoch.mock.calls).toEqual([[NAME]]);
    expect(offsets()).toEqual([1, 2, 3]);
  });

  it('notices another history by an event that it has delivered otherwise, although it has gone on with the new one', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    channel.receive(append(1)[0]!);
    await settled();
    history.startAnew();
    const [first, second] = append(2);
    // The second overtakes, and is the next.
    channel.receive(second!);
    channel.receive(first!);
    await settled();
    expect(offsets()).toEqual([1, 2]);
    expect(onEpoch.mock.calls).toEqual([[NAME]]);
  });

  it('remembers the newest of what it has delivered, and no more', async () => {
    const { channel, append, settled, history, onEpoch } = startedAtZero();
    const events = append(100);
    for (const event of events) channel.receive(event);
    await settled();
    const otherwise = (offset: number): Envelope => ({
      ...events[offset - 1]!,
      id: '00000000-0000-7000-8000-ffffffffffff',
    });
    channel.receive(otherwise(50));
    await settled();
    expect(history.reads).toEqual([]);
    channel.receive(otherwise(100));
    await settled();
    expect(history.reads).toHaveLength(1);
    // It is the history itself that says which of the two is of another one.
    expect(onEpoch).not.toHaveBeenCalled();
  });

  it('does not take a history that is away for another one', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    const [first] = append(1);
    channel.receive(first!);
    await settled();
    history.isAway = true;
    channel.receive({ ...first!, id: '00000000-0000-7000-8000-ffffffffffff' });
    await settled();
    expect(history.reads).toHaveLength(1);
    history.isAway = false;
    channel.receive(append(1)[0]!);
    await settled();
    expect(offsets()).toEqual([1, 2]);
    expect(onEpoch).not.toHaveBeenCalled();
  });

  it('notices another history by an event at the position where it started', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = setUp();
    append(3);
    channel.start(history.head(NAME));
    history.startAnew();
    const [third, fourth] = append(4).slice(2);
    for (const event of [third, fourth]) channel.receive(event!);
    await settled();
    expect(onEpoch.mock.calls).toEqual([[NAME]]);
    expect(offsets()).toEqual([]);
  });

  it('notices another history by an event that waited behind one of the same number', async () => {
    const slow = Promise.withResolvers<void>();
    const { channel, append, settled, history, onEpoch } = startedAtZero();
    void channel.at(0, () => slow.promise);
    channel.receive(append(1)[0]!);
    history.startAnew();
    channel.receive(append(1)[0]!);
    slow.resolve();
    await eventually(() => expect(onEpoch.mock.calls).toEqual([[NAME]]));
    await settled();
    expect(channel.position).toEqual(history.head(NAME));
  });

  it('notices it by the next event at the latest, when the history cannot be asked about an event that was delivered otherwise', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    for (const event of append(2)) channel.receive(event);
    await settled();
    history.startAnew();
    const [first, , third] = append(3);
    history.isAway = true;
    channel.receive(first!);
    await settled();
    history.isAway = false;
    channel.receive(third!);
    await settled();
    expect(onEpoch.mock.calls).toEqual([[NAME]]);
    expect(offsets()).toEqual([1, 2]);
  });

  it('asks the history once after messages may have been lost', async () => {
    const { channel, append, offsets, settled, history } = startedAtZero();
    channel.doubt();
    for (let count = 0; count < 3; count += 1) {
      channel.receive(append(1)[0]!);
      await settled();
    }
    expect(offsets()).toEqual([1, 2, 3]);
    expect(history.reads).toHaveLength(1);
  });

  it('asks it once more after messages may have been lost while it was read', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    const [read, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const usual = history.read.bind(history);
    history.read = async (requests) => {
      const pages = await usual(requests);
      read.resolve();
      await slow.promise;
      return pages;
    };
    channel.receive(append(2).at(-1)!);
    await read.promise;
    channel.doubt();
    history.startAnew();
    slow.resolve();
    // Its first two came to nobody here.
    channel.receive(append(3).at(-1)!);
    await settled();
    expect(offsets()).toEqual([1, 2]);
    expect(onEpoch.mock.calls).toEqual([[NAME]]);
  });

  it('does not ask it where the position was compared since then', async () => {
    const { channel, append, offsets, settled, history } = startedAtZero();
    channel.doubt();
    channel.compare(history.head(NAME), channel.position!);
    channel.receive(append(1)[0]!);
    await settled();
    expect(offsets()).toEqual([1]);
    expect(history.reads).toEqual([]);
  });

  it('delivers nothing of the history that it has left, be it the next by its number', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    const [first, , third, fourth] = append(4);
    channel.receive(first!);
    await settled();
    history.startAnew();
    append(3);
    channel.receive(third!);
    channel.receive(fourth!);
    await settled();
    expect(onEpoch).toHaveBeenCalledTimes(1);
    expect(channel.position).toEqual(history.head(NAME));
    expect(offsets()).toEqual([1]);
  });

  it('remembers nothing of the history that it has left, nor doubts the new one', async () => {
    const { channel, append, offsets, settled, history, onEpoch } = startedAtZero();
    for (const event of append(3)) channel.receive(event);
    await settled();
    history.startAnew();
    const again = append(2);
    channel.doubt();
    channel.compare(history.head(NAME), channel.position!);
    await settled();
    const reads = history.reads.length;
    for (const event of [...again, ...append(1)]) channel.receive(event);
    await settled();
    expect(offsets()).toEqual([1, 2, 3, 3]);
    expect(history.reads).toHaveLength(reads);
    expect(onEpoch).toHaveBeenCalledTimes(1);
  });

  it('delivers nothing more once it is closed, not even the rest of a page', async () => {
    let stop = (): void => undefined;
    const { channel, append, offsets, settled } = startedAtZero({
      deliver: ({ offset }) => {
        if (offset === 2) stop();
        return Promise.resolve();
      },
    });
    stop = () => channel.close();
    channel.receive(append(5).at(-1)!);
    await settled();
    expect(offsets()).toEqual([1, 2]);
  });

  it('delivers nothing that comes after it was closed', async () => {
    const { channel, append, offsets, settled } = startedAtZero();
    channel.close();
    channel.receive(append(1)[0]!);
    await settled();
    expect(offsets()).toEqual([]);
  });

  it('delivers each event once and in order, whatever is lost, doubled or swapped', async () => {
    const fate = fc.record({
      copies: fc.integer({ min: 0, max: 3 }),
      delays: fc.array(fc.nat(12), { minLength: 3, maxLength: 3 }),
    });
    const run = fc.record({
      fates: fc.array(fate, { minLength: 1, maxLength: 40 }),
      before: fc.nat(5),
      pauses: fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ fates, before, pauses }) => {
        const { channel, append, offsets, settled, history } = setUp();
        append(before);
        channel.start(history.head(NAME));
        const arrivals = append(fates.length)
          .flatMap((event, index) => {
            const { copies, delays } = fates[index]!;
            return delays.slice(0, copies).map((delay) => ({ event, at: index + delay }));
          })
          .toSorted((one, other) => one.at - other.at);
        for (const [index, { event }] of arrivals.entries()) {
          channel.receive(event);
          if (pauses[index % pauses.length]) await turn();
        }
        channel.compare(history.head(NAME), channel.position!);
        await settled();
        expect(offsets()).toEqual(upTo(before + fates.length).slice(before));
      }),
      { numRuns: 150 },
    );
  });
});
