import { expect, it } from 'vitest';
import { joinFrames, type Packet, type PacketCoding } from './joined-frames.ts';

/** As they are, but for what cannot be encoded. */
const coding: PacketCoding = {
  parser: {
    encodePacket: ({ data }, _, callback) => {
      if (data === 'broken') throw new Error('not to be encoded');
      callback(data as string);
    },
  },
  supportsBinary: true,
};

const packet = (data: unknown): Packet => ({ type: 'message', data });
const shared = (...frame: Buffer[]): Packet => ({ type: 'message', options: { wsPreEncodedFrame: frame } });

/** What they are joined to, in bytes. */
function join(...packets: Packet[]): Buffer[] {
  joinFrames(packets, coding);
  return packets.map(({ options }) => Buffer.concat(options!.wsPreEncodedFrame!));
}

it.each([
  [0, [0x81, 0]],
  [125, [0x81, 125]],
  [126, [0x81, 126, 0, 126]],
  [65_535, [0x81, 126, 0xff, 0xff]],
  [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
  [3_000_000, [0x81, 127, 0, 0, 0, 0, 0, 0x2d, 0xc6, 0xc0]],
])('the length of %i bytes is told in as few as there may be', (length, head) => {
  const frame = Buffer.concat([Buffer.from(head), Buffer.alloc(length, 'x')]);
  const after = Buffer.from([0x81, 1, 0x61]);
  expect(join(packet('x'.repeat(length)), packet('a'))[0]!.equals(Buffer.concat([frame, after]))).toBe(true);
});

it('there is room for all, however much is there already', () => {
  for (let missing = 0; missing < 24; missing += 1) {
    const first = 'x'.repeat(256 * 1024 - 10 - missing);
    const frames = [packet(first), shared(Buffer.from([0x81]), Buffer.from([2, 0x61, 0x62])), packet('€€€')];
    const joined = join(...frames)[0]!;
    expect(joined.subarray(10).toString('latin1')).toBe(`${first}\x81\x02ab\x81\x09${'\xe2\x82\xac'.repeat(3)}`);
  }
});

it('what is joined stays as it is when others are', () => {
  const [first] = join(packet('one'), packet('two'));
  join(packet('six'), packet('ten'));
  expect(first!.toString('latin1')).toBe('\x81\x03one\x81\x03two');
});

it('what could not be said to one is not said to another', () => {
  expect(() => join(packet('secret'), packet('broken'))).toThrow('not to be encoded');
  expect(join(packet('one'), packet('two'))).toEqual([Buffer.from('\x81\x03one\x81\x03two', 'latin1')]);
});

it('what is large and the same for many stays as it is, in its place', () => {
  const large = shared(Buffer.from('head'), Buffer.alloc(4_096));
  const packets = [packet('one'), large, packet('two'), packet('six'), large];
  joinFrames(packets, coding);
  expect(packets).toHaveLength(4);
  expect([packets[1], packets[3]]).toEqual([large, large]);
  expect([packets[0], packets[2]].map((each) => each!.options!.wsPreEncodedFrame!.toString())).toEqual([
    Buffer.from('\x81\x03one', 'latin1').toString(),
    Buffer.from('\x81\x03two\x81\x03six', 'latin1').toString(),
  ]);
  const small = shared(Buffer.alloc(2), Buffer.alloc(4_094));
  expect(join(small, packet('a'))).toHaveLength(1);
});
