import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, type CursorReason, type Envelope } from '#contracts';
import { Positions } from './positions.ts';

const ALICE = 'user:alice';

function cursor(offset: number, channel = ALICE): string {
  return encodeCursor({ channel, offset, check: 'a'.repeat(12) });
}

function envelope(offset: number, channel = ALICE): Envelope {
  return {
    specversion: '1.0',
    id: `${offset}`,
    source: '/tidings',
    type: 'message.created',
    subject: 'messages/1',
    time: '',
    channel,
    offset,
    cursor: cursor(offset, channel),
    data: {},
  };
}

function startedAt(offset: number): Positions {
  const positions = new Positions([], false);
  positions.start({ cursors: [cursor(offset)] });
  return positions;
}

function offsetsOf(cursors: readonly string[]): number[] {
  return cursors.map((text) => decodeCursor(text)!.offset);
}

describe('an event', () => {
  it('is taken when it is the next, and dropped when it was there before', () => {
    const positions = startedAt(3);
    const arrivals = [3, 4, 4, 5, 2, 6].map((offset) => positions.arrive(envelope(offset)));
    expect(arrivals).toEqual(['seen', 'next', 'seen', 'next', 'seen', 'next']);
  });

  it('that is early is not taken, unless it comes again: what was between is gone', () => {
    const positions = startedAt(3);
    expect(positions.arrive(envelope(6))).toBe('early');
    expect(offsetsOf(positions.forHandshake)).toEqual([3]);
    expect(positions.arrive(envelope(6))).toBe('next');
    expect(positions.arrive(envelope(5))).toBe('seen');
    expect(positions.arrive(envelope(8))).toBe('early');
  });

  it('of one channel has nothing to do with another', () => {
    const positions = startedAt(3);
    expect(positions.arrive(envelope(9, 'everyone'))).toBe('next');
    expect(positions.arrive(envelope(4))).toBe('next');
    expect(positions.arrive(envelope(9, 'everyone'))).toBe('seen');
  });
});

describe('what is kept', () => {
  it('is where events were handled, and a handshake brings where they came', () => {
    const positions = startedAt(0);
    const first = envelope(1);
    positions.arrive(first);
    positions.arrive(envelope(2));
    positions.settle(first, positions.historyOf(ALICE), true);
    expect(offsetsOf(positions.handled)).toEqual([1]);
    expect(offsetsOf(positions.forHandshake)).toEqual([2]);
  });

  it('is not set back by what is handled late, when another history has begun', () => {
    const positions = startedAt(7);
    const old = envelope(8);
    positions.arrive(old);
    const history = positions.historyOf(ALICE);
    positions.start({ cursors: [cursor(2)], reasons: { [ALICE]: 'CURSOR_FUTURE' } });
    expect(positions.settle(old, history, true)).toBe(false);
    expect(offsetsOf(positions.handled)).toEqual([2]);
    expect(positions.arrive(envelope(3))).toBe('next');
  });
});

describe('what was left by all its listeners', () => {
  function leftAt(offset: number): Positions {
    const positions = startedAt(0);
    for (const at of [1, 2, 3]) {
      positions.arrive(envelope(at));
      expect(positions.settle(envelope(at), positions.historyOf(ALICE), at !== offset)).toBe(at < offset);
    }
    return positions;
  }

  it('keeps the position before it, whatever is handled after it', () => {
    const positions = leftAt(2);
    expect(offsetsOf(positions.handled)).toEqual([1]);
    expect(offsetsOf(positions.forHandshake)).toEqual([3]);
  });

  it('comes again where somebody listens anew, and counts then', () => {
    const positions = leftAt(2);
    positions.rewind(ALICE);
    expect(offsetsOf(positions.forHandshake)).toEqual([1]);
    for (const at of [2, 3]) {
      expect(positions.arrive(envelope(at))).toBe('next');
      expect(positions.settle(envelope(at), positions.historyOf(ALICE), true)).toBe(true);
    }
    positions.rewind(ALICE);
    expect(offsetsOf(positions.handled)).toEqual([3]);
  });

  it('is all that comes again: what waits for its listeners does not', () => {
    const positions = startedAt(0);
    positions.arrive(envelope(1));
    positions.rewind(ALICE);
    expect(positions.arrive(envelope(1))).toBe('seen');
  });
});

describe('a session', () => {
  it('that honours the cursors goes on where they are', () => {
    const positions = new Positions([cursor(5)], false);
    expect(positions.start({ cursors: [cursor(5), cursor(1, 'everyone')] })).toBe(true);
    expect(offsetsOf(positions.forHandshake)).toEqual([5, 1]);
  });

  it.each(['CURSOR_TOO_OLD', 'CURSOR_EPOCH', 'CURSOR_FUTURE', 'CURSOR_INVALID'] as CursorReason[])(
    'that does not (%s) sets the position',
    (reason) => {
      const positions = new Positions([cursor(5)], false);
      positions.start({ cursors: [cursor(9)], reasons: { [ALICE]: reason } });
      expect(offsetsOf(positions.forHandshake)).toEqual([9]);
      expect(offsetsOf(positions.handled)).toEqual([9]);
    },
  );

  it('that begins elsewhere is gone on with from there', () => {
    const positions = startedAt(5);
    expect(positions.start({ cursors: [cursor(9)] })).toBe(true);
    expect(offsetsOf(positions.forHandshake)).toEqual([9]);
  });

  it('of another epoch brings its own cursor, also at the same offset', () => {
    const positions = startedAt(5);
    const anew = encodeCursor({ channel: ALICE, offset: 5, check: 'b'.repeat(12) });
    positions.start({ cursors: [anew], reasons: { [ALICE]: 'CURSOR_EPOCH' } });
    expect([positions.forHandshake, positions.handled]).toEqual([[anew], [anew]]);
  });

  it('of another user ends the positions of the one before', () => {
    const positions = startedAt(5);
    positions.start({ cursors: [cursor(1, 'user:bob')] });
    expect(positions.forHandshake).toEqual([cursor(1, 'user:bob')]);
  });
});

describe('the answer to a subscribe', () => {
  const ROOM = 'room:1';

  function heardTo(offset: number): Positions {
    const positions = startedAt(0);
    positions.arrive(envelope(offset, ROOM));
    return positions;
  }

  it('does not set the position back: what came meanwhile counts', () => {
    const positions = heardTo(5);
    positions.subscribed({ recovered: true, cursor: cursor(3, ROOM) });
    expect(positions.arrive(envelope(5, ROOM))).toBe('seen');
    expect(positions.arrive(envelope(6, ROOM))).toBe('next');
  });

  it('at the position does not count what waits for its listeners as handled', () => {
    const positions = heardTo(5);
    const history = positions.historyOf(ROOM);
    const waiting = envelope(6, ROOM);
    positions.arrive(waiting);
    positions.subscribed({ recovered: true, cursor: cursor(6, ROOM) });
    expect(offsetsOf(positions.handled)).toEqual([0, 5]);
    expect(positions.settle(waiting, history, true)).toBe(true);
    expect(offsetsOf(positions.handled)).toEqual([0, 6]);
  });

  it('is where the room goes on when it is ahead, or when what was known cannot be gone on with', () => {
    const positions = heardTo(5);
    positions.subscribed({ recovered: true, cursor: cursor(8, ROOM) });
    expect(positions.arrive(envelope(9, ROOM))).toBe('next');
    positions.subscribed({ recovered: false, reason: 'CURSOR_EPOCH', cursor: cursor(3, ROOM) });
    expect(positions.arrive(envelope(4, ROOM))).toBe('next');
  });
});

describe('the cursor of a 202', () => {
  it('is taken while no position is known, of several the lowest', () => {
    const positions = new Positions([], false);
    for (const offset of [4, 3, 5]) positions.adopt(cursor(offset));
    expect(offsetsOf(positions.forHandshake)).toEqual([3]);
  });

  it('is not taken when there is a position', () => {
    const positions = startedAt(9);
    positions.adopt(cursor(4));
    expect(offsetsOf(positions.forHandshake)).toEqual([9]);
  });

  it('that came too late for the handshake asks for another one', () => {
    const positions = new Positions([], false);
    positions.adopt(cursor(4));
    expect(positions.start({ cursors: [cursor(6)] })).toBe(false);
    expect(positions.start({ cursors: [cursor(4)] })).toBe(true);
    expect(offsetsOf(positions.forHandshake)).toEqual([4]);
  });

  it('is given up when the session says that it cannot be gone on with', () => {
    const positions = new Positions([], false);
    positions.adopt(cursor(4));
    expect(positions.start({ cursors: [cursor(6)], reasons: { [ALICE]: 'CURSOR_TOO_OLD' } })).toBe(true);
    expect(offsetsOf(positions.forHandshake)).toEqual([6]);
  });

  it('is not taken any more once a session has begun there', () => {
    const positions = new Positions([], false);
    positions.adopt(cursor(4));
    positions.start({ cursors: [cursor(4)] });
    positions.adopt(cursor(2));
    expect(offsetsOf(positions.forHandshake)).toEqual([4]);
    expect(positions.start({ cursors: [cursor(6)] })).toBe(true);
  });

  it('tells whether the outcome was heard, or will be', () => {
    const positions = startedAt(5);
    positions.arrive(envelope(6));
    expect([4, 5, 6, 7].map((offset) => positions.covers(cursor(offset)))).toEqual([false, true, true, true]);
    expect(positions.covers(cursor(9, 'user:bob'))).toBe(false);
  });
});

describe('replayFromStart', () => {
  it('asks for everything while nothing is known', () => {
    const positions = new Positions([], true);
    positions.adopt(cursor(4));
    expect(positions.forHandshake).toEqual(['0']);
    positions.start({ cursors: [cursor(0)] });
    expect(positions.forHandshake).toEqual([cursor(0)]);
  });
});
