import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkOf, encodeCursor } from './cursor.ts';
import type { Envelope } from './envelope.ts';
import { replayedTextOf, textOf, WrittenEnvelope, type WrittenEvent } from './written-envelope.ts';

const events = fc.record({
  id: fc.uuid({ version: 7 }),
  type: fc.string({ unit: 'binary' }),
  subject: fc.string({ unit: 'binary' }),
  time: fc.constant('2026-11-29T12:00:00.000Z'),
  channel: fc.string({ unit: 'grapheme-ascii' }),
  offset: fc.maxSafeNat(),
  traceparent: fc.oneof(fc.stringMatching(/^[0-9a-f-]{1,55}$/), fc.constantFrom(null, undefined)),
  data: fc.json(),
});

/** The same, made of values. */
function plain({ id, type, subject, time, channel, offset, traceparent, data }: WrittenEvent): Envelope {
  return {
    specversion: '1.0',
    id,
    source: '/tidings',
    type,
    subject,
    time,
    channel,
    offset,
    cursor: encodeCursor({ channel, offset, check: checkOf(id) }),
    ...(traceparent && { traceparent }),
    data: JSON.parse(data) as unknown,
  };
}

it('an envelope whose data is text is, as text and in its parts, one whose data is a value', () => {
  fc.assert(
    fc.property(events, (event) => {
      const written = new WrittenEnvelope(event);
      const envelope = plain(event);
      expect(JSON.parse(textOf(written))).toEqual(envelope);
      expect(JSON.parse(replayedTextOf(written))).toEqual({ ...envelope, replayed: true });
      expect(written.toJSON()).toEqual(envelope);
      const { data, ...head } = envelope;
      expect(written).toMatchObject(head);
      expect(written.data).toEqual(data);
    }),
  );
});
