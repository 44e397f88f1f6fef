import { setImmediate as turn } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BatchedHistory } from './batched-history.ts';
import { MemoryHistory } from './memory-history.ts';
import { OrderedChannel } from './ordered-channel.ts';
import { PositionCheck } from './position-check.ts';

Logger.overrideLogger(false);

function setUp(names: readonly string[], intervalMs = 10_000) {
  const history = new MemoryHistory();
  const delivered: string[] = [];
  const channels = names.map(
    (name) =>
      new OrderedChannel(name, {
        history: new BatchedHistory(history),
        deliver: ({ channel, offset }) => {
          delivered.push(`${channel} ${offset}`);
          return Promise.resolve();
        },
        onEpoch: () => undefined,
      }),
  );
  const check = new PositionCheck(history, () => channels, intervalMs);
  const start = (): void => channels.forEach((channel) => channel.start(history.head(channel.name)));
  const settled = () => Promise.all(channels.map((channel) => channel.at(0, () => undefined)));
  return { history, delivered, channels, check, start, settled };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('PositionCheck', () => {
  it('finds what was lost on every channel, in one query', async () => {
    const { history, delivered, check, start, settled } = setUp(['user:a', 'user:b', 'everyone']);
    start();
    history.append('user:a');
    history.append('everyone');
    await check.now();
    await settled();
    expect(delivered.toSorted()).toEqual(['everyone 1', 'user:a 1']);
    expect(history.headReads).toEqual([['user:a', 'user:b', 'everyone']]);
  });

  it('has the next event of a channel compared when the history was away', async () => {
    const { history, delivered, channels, check, start, settled } = setUp(['user:a']);
    start();
    history.isAway = true;
    await check.now();
    history.isAway = false;
    channels[0]!.receive(history.append('user:a'));
    await settled();
    expect(delivered).toEqual(['user:a 1']);
    expect(history.reads).toHaveLength(1);
  });

  it('leaves channels alone whose position is not known yet', async () => {
    const { history, delivered, check, start, settled } = setUp(['user:a']);
    await check.now();
    expect(history.headReads).toEqual([]);
    start();
    history.append('user:a');
    await check.now();
    await settled();
    expect(delivered).toEqual(['user:a 1']);
  });

  it('compares all of many channels, so many in a query', async () => {
    const names = Array.from({ length: 1_001 }, (_, index) => `user:${index}`);
    const { history, delivered, check, start, settled } = setUp(names);
    start();
    for (const name of names) history.append(name);
    await check.now();
    await settled();
    expect(delivered.toSorted()).toEqual(names.map((name) => `${name} 1`).toSorted());
    expect(history.headReads.map(({ length }) => length)).toEqual([500, 500, 1]);
  });

  it('compares once more when it is asked while it compares', async () => {
    const { history, delivered, check, start, settled } = setUp(['user:a']);
    start();
    const heads = history.heads.bind(history);
    const slow = Promise.withResolvers<void>();
    history.heads = async (channels) => {
      const answer = await heads(channels);
      await slow.promise;
      return answer;
    };
    const first = check.now();
    await turn();
    await turn();
    history.append('user:a');
    const others = [check.now(), check.now()];
    let isAnswered = false;
    void Promise.race(others).then(() => (isAnswered = true));
    await turn();
    expect(isAnswered).toBe(false);
    slow.resolve();
    await Promise.all([first, ...others]);
    await settled();
    expect(delivered).toEqual(['user:a 1']);
    expect(history.headReads).toHaveLength(2);
  });

  it('outlives a history that is away', async () => {
    const { history, delivered, check, start, settled } = setUp(['user:a']);
    start();
    history.append('user:a');
    history.isAway = true;
    await check.now();
    history.isAway = false;
    await check.now();
    await settled();
    expect(delivered).toEqual(['user:a 1']);
  });

  it('compares now and then by itself, until it is stopped', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { history, check, start } = setUp(['user:a'], 1_000);
    start();
    check.start();
    await vi.advanceTimersByTimeAsync(1_200);
    await turn();
    await turn();
    await vi.advanceTimersByTimeAsync(1_200);
    expect(history.headReads).toHaveLength(2);
    await turn();
    await turn();
    check.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(history.headReads).toHaveLength(2);
  });
});
