import { describe, expect, it } from 'vitest';
import { BatchedHistory } from './batched-history.ts';
import { MemoryHistory } from './memory-history.ts';

describe('BatchedHistory', () => {
  it('asks once for all heads of one moment, and answers each asker its own', async () => {
    const history = new MemoryHistory();
    history.append('user:b');
    const batched = new BatchedHistory(history);
    const heads = await Promise.all(['user:a', 'user:b', 'user:c'].map((channel) => batched.head(channel)));
    expect(heads.map(({ channel, offset }) => [channel, offset])).toEqual([
      ['user:a', 0],
      ['user:b', 1],
      ['user:c', 0],
    ]);
    expect(history.headReads).toEqual([['user:a', 'user:b', 'user:c']]);
  });

  it('reads the pages of a thousand askers in a handful of queries', async () => {
    const history = new MemoryHistory();
    history.append('user:a');
    history.append('user:a');
    const batched = new BatchedHistory(history);
    const pages = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => batched.read({ channel: 'user:a', after: index % 3, limit: 10 })),
    );
    expect(pages.map(({ events }) => events.length)).toEqual(pages.map((_, index) => 2 - (index % 3)));
    expect(history.reads.length).toBeLessThanOrEqual(5);
  });

  it('reads the same page once for all who ask for it, and no other in its place', async () => {
    const history = new MemoryHistory();
    const { epoch } = history;
    for (const channel of ['user:a', 'user:a', 'user:b']) history.append(channel);
    const batched = new BatchedHistory(history);
    const different = [
      { channel: 'user:a', after: 0, limit: 10 },
      { channel: 'user:a', after: 0, limit: 1 },
      { channel: 'user:a', after: 1, limit: 10 },
      { channel: 'user:a', after: 0, limit: 10, check: epoch },
      { channel: 'user:a', after: 0, limit: 10, check: 'another' },
      { channel: 'user:b', after: 0, limit: 10 },
    ];
    const pages = await Promise.all([...different, ...different].map((request) => batched.read(request)));
    expect(history.reads).toEqual([different]);
    expect(pages.slice(0, 6)).toEqual(pages.slice(6));
    expect(pages.slice(0, 6).map(({ events, reason }) => [events.length, reason])).toEqual([
      [2, undefined],
      [1, undefined],
      [1, undefined],
      [2, undefined],
      [0, 'CURSOR_EPOCH'],
      [1, undefined],
    ]);
  });

  it('shares queries among askers who come one after the other', async () => {
    const history = new MemoryHistory();
    const batched = new BatchedHistory(history);
    const asked: Promise<unknown>[] = [];
    for (let index = 0; index < 100; index += 1) {
      asked.push(batched.head(`user:${index}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(asked);
    expect(history.headReads.length).toBeLessThan(50);
  });

  it('asks again for who comes while a query is under way', async () => {
    const history = new MemoryHistory();
    const batched = new BatchedHistory(history);
    const first = batched.head('user:a');
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([first, batched.head('user:b')]);
    expect(history.headReads).toEqual([['user:a'], ['user:b']]);
  });

  it('has two queries under way at most, and answers few in one turn', async () => {
    const history = new MemoryHistory();
    const batched = new BatchedHistory(history);
    const slow = Promise.withResolvers<void>();
    const heads = history.heads.bind(history);
    history.heads = async (channels) => {
      const answer = await heads(channels);
      await slow.promise;
      return answer;
    };
    let answered = 0;
    const asked = Array.from({ length: 1_000 }, async (_, index) => {
      await batched.head(`user:${index}`);
      answered += 1;
    });
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(history.headReads).toHaveLength(2);
    slow.resolve();
    let most = 0;
    for (let before = 0; answered < asked.length; before = answered) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, answered - before);
    }
    expect(most).toBeLessThan(100);
  });

  it('fails all who share a query, and nobody after them', async () => {
    const history = new MemoryHistory();
    const batched = new BatchedHistory(history);
    history.isAway = true;
    const failed = await Promise.allSettled([batched.head('user:a'), batched.head('user:b')]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    history.isAway = false;
    await expect(batched.head('user:a')).resolves.toMatchObject({ offset: 0 });
  });
});
