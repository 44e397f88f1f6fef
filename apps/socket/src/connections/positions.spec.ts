import { describe, expect, it } from 'vitest';
import { OrderedChannel, type ChannelsServer } from '#channels';
import { CURSOR_BEGINNING, encodeCursor, type Cursor } from '#contracts';
import type { Membership } from '#ledger';
import { BatchedHistory } from '../../../../libs/channels/src/batched-history.ts';
import { MemoryHistory } from '../../../../libs/channels/src/memory-history.ts';
import { readCursors } from './given-cursors.ts';
import { describePositions, startPosition, type StartPosition } from './positions.ts';

const ROOM = 'room:a';

/** A channel with so many events, all of which were delivered here. */
function channelWith(count: number) {
  const memory = new MemoryHistory();
  const history = new BatchedHistory(memory);
  const heads = [memory.head(ROOM)];
  const append = (): void => {
    memory.append(ROOM);
    heads.push(memory.head(ROOM));
  };
  while (heads.length <= count) append();
  const channel = new OrderedChannel(ROOM, { history, deliver: () => Promise.resolve(), onEpoch: () => undefined });
  channel.start(memory.head(ROOM));
  const start = async (given: readonly (Cursor | typeof CURSOR_BEGINNING)[], membership?: Membership) => {
    const cursors = readCursors(given.map((each) => (each === CURSOR_BEGINNING ? each : encodeCursor(each))));
    const position = await startPosition({ history } as unknown as ChannelsServer, channel, cursors, { membership });
    return { ...position, channel: undefined, missed: position.missed.map(({ offset }) => offset) };
  };
  return { memory, append, start, at: (offset: number): Cursor => heads[offset]! };
}

describe('a connection starts in a channel', () => {
  it('from now on, when it says nothing, or is there already: the history is not asked', async () => {
    const { start, at, memory } = channelWith(2);
    for (const given of [[], [at(2)]]) expect(await start(given)).toEqual({ from: at(2), missed: [] });
    expect(memory.reads).toEqual([]);
  });

  it('at its cursor, with what followed', async () => {
    const { start, at } = channelWith(3);
    expect(await start([at(1)])).toEqual({ from: at(1), missed: [2, 3] });
    expect(await start([CURSOR_BEGINNING])).toEqual({ from: at(0), missed: [1, 2, 3] });
  });

  it.each([1, 2])('from now on when its cursor is of another history, be it at %i of 2', async (offset) => {
    const { start, at } = channelWith(2);
    const other = { ...at(offset), check: 'ffffffffffff' };
    expect(await start([other])).toEqual({ from: at(2), missed: [], reason: 'CURSOR_EPOCH' });
  });

  it('of members behind where the membership began, and from where it was read', async () => {
    const { start, at, append } = channelWith(4);
    // What Redis has not brought yet.
    append();
    const membership = { floor: at(2), position: at(5) };
    append();
    expect(await start([], membership)).toEqual({ from: at(5), missed: [] });
    expect(await start([at(3)], membership)).toEqual({ from: at(3), missed: [4, 5, 6] });
    for (const given of [at(1), CURSOR_BEGINNING] as const)
      expect(await start([given], membership)).toEqual({ from: at(2), missed: [3, 4, 5, 6] });
    const other = { ...at(2), check: 'ffffffffffff' };
    expect(await start([other], membership)).toMatchObject({ from: at(5), reason: 'CURSOR_EPOCH' });
  });

  it('before the oldest retained event when its cursor is too old, and says so if one was given', async () => {
    const { memory, start, at } = channelWith(5);
    memory.prune(ROOM, 4);
    const oldest = { channel: ROOM, offset: 3, check: '000000000000' };
    expect(await start([at(1)])).toEqual({ from: oldest, missed: [4, 5], reason: 'CURSOR_TOO_OLD' });
    expect(await start([CURSOR_BEGINNING])).toEqual({ from: oldest, missed: [4, 5] });
    const membership = { floor: at(1), position: at(5) };
    expect(await start([CURSOR_BEGINNING], membership)).toEqual({ from: oldest, missed: [4, 5] });
    expect(await start([at(0)], membership)).toEqual({ from: oldest, missed: [4, 5], reason: 'CURSOR_TOO_OLD' });
    memory.prune(ROOM, 6);
    expect(await start([at(1)])).toEqual({ from: at(5), missed: [], reason: 'CURSOR_TOO_OLD' });
  });
});

describe('a session', () => {
  const startsIn = (...names: string[]): StartPosition[] =>
    names.map((name) => ({
      channel: { name } as OrderedChannel,
      from: { channel: name, offset: 1, check: 'a'.repeat(12) },
      missed: [],
    }));

  it('is recovered when each cursor is honoured, of nothing else', () => {
    const starts = startsIn('user:a', 'everyone');
    const cursors = starts.map(({ from }) => encodeCursor(from));
    expect(describePositions(starts, readCursors(cursors))).toEqual({ recovered: true, cursors });
    starts[0]!.reason = 'CURSOR_EPOCH';
    const reasons = { 'user:a': 'CURSOR_EPOCH' };
    expect(describePositions(starts, readCursors(cursors))).toEqual({ recovered: false, reasons, cursors });
  });

  it('says of cursors of what is not heard, and of what is none, that they are not valid', () => {
    const foreign = encodeCursor({ channel: 'user:b', offset: 1, check: 'a'.repeat(12) });
    const { recovered, reasons } = describePositions(startsIn('user:a'), readCursors([foreign, 'nothing', 7]));
    expect([recovered, reasons]).toEqual([false, { 'user:a': 'CURSOR_INVALID', 'user:b': 'CURSOR_INVALID' }]);
    const [start] = startsIn('user:a');
    const behind = { ...start!, reason: 'CURSOR_TOO_OLD' as const };
    expect(describePositions([behind], readCursors(['nothing'])).reasons).toEqual({ 'user:a': 'CURSOR_TOO_OLD' });
  });
});
