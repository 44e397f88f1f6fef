import { expect, it } from 'vitest';
import { joinFrames, type Packet } from './joined-frames.ts';

const text = (data: string): Packet => ({ type: 'message', data });

it('what could not be said to one is not said to another', () => {
  const coding = (answers: (data: unknown) => string): Parameters<typeof joinFrames>[1] => ({
    parser: { encodePacket: ({ data }, _, callback) => callback(answers(data)) },
    supportsBinary: true,
  });
  const broken = coding((data) => {
    if (data === 'broken') throw new Error('not to be encoded');
    return data as string;
  });
  expect(() => joinFrames([text('secret'), text('broken')], broken)).toThrow('not to be encoded');
  const packets = [text('one'), text('two')];
  joinFrames(
    packets,
    coding((data) => data as string),
  );
  const frame = Buffer.from('\x81\x03one\x81\x03two', 'latin1');
  expect(packets).toEqual([{ type: 'message', options: { wsPreEncodedFrame: [frame] } }]);
});
