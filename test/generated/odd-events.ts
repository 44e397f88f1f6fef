import fc from 'fast-check';
import type { Command } from './commands.ts';
import { oddDocument, oddJson, type JsonText } from './json-text.ts';
import { oddText } from './odd-text.ts';
import type { SchemaValues } from './schema-values.ts';

/** What a client sends at once. */
export interface OddEvent {
  event: string;
  /** Packets of the protocol, in which `#` stands for the id of the ack. */
  packets: (string | Uint8Array<ArrayBuffer>)[];
  /** Whether an answer is asked for. */
  wantsAck: boolean;
  /** Whether the connection may be closed for it: it is no packet at all, or too large. */
  mayClose: boolean;
}

/** Beyond it a connection is closed, in bytes. */
const LARGEST = 64 * 1024;

/** socket.io keeps these to itself, and closes the connection of who sends one. */
const RESERVED = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'];

const MALFORMED = [
  '42',
  '42{}',
  '42[]',
  '42[null]',
  '42["a"',
  '4',
  '4x',
  '9',
  '',
  '0',
  '41x',
  '44{}',
  '45["a"]',
  '2probe',
];

/** Events of any name with any payload, and what is none. */
export function oddEvent(commands: readonly Command[], values: SchemaValues): fc.Arbitrary<OddEvent> {
  return fc.oneof(
    ...commands.map((command) => ({ weight: 4, arbitrary: ofCommand(command, values) })),
    { weight: 3, arbitrary: fc.tuple(oddText, oddJson).map(([event, payload]) => packetOf(event, [payload], true)) },
    { weight: 1, arbitrary: fc.constantFrom(...RESERVED).map((event) => packetOf(event, ['{}'], true)) },
    { weight: 1, arbitrary: fc.oneof(fc.constantFrom(...MALFORMED), oddDocument).map(malformed) },
    { weight: 1, arbitrary: oddDocument.map((text) => malformed(`42#["refresh",${text}]`)) },
  );
}

function ofCommand({ event, payloads }: Command, values: SchemaValues): fc.Arbitrary<OddEvent> {
  const payload = fc.oneof(...payloads.map((schema) => values.of(schema)));
  const more = fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, fc.array(oddJson, { maxLength: 2 }));
  const whole = fc.tuple(payload, more).map((parts) => parts.flat());
  const args = fc.oneof({ weight: 9, arbitrary: whole }, { weight: 1, arbitrary: fc.constant([]) });
  const acked = fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, fc.boolean());
  return fc.oneof(
    { weight: 9, arbitrary: fc.tuple(args, acked).map(([given, wantsAck]) => packetOf(event, given, wantsAck)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => binary(event, bytes)) },
  );
}

function packetOf(event: string, args: readonly JsonText[], wantsAck: boolean): OddEvent {
  const packet = `42${wantsAck ? '#' : ''}[${[JSON.stringify(event), ...args].join()}]`;
  const mayClose = RESERVED.includes(event) || Buffer.byteLength(packet) > LARGEST - 100;
  return { event, packets: [packet], wantsAck, mayClose };
}

function binary(event: string, bytes: Uint8Array<ArrayBuffer>): OddEvent {
  const packet = `451-#[${JSON.stringify(event)},{"data":{"_placeholder":true,"num":0}}]`;
  return { event, packets: [packet, bytes], wantsAck: true, mayClose: false };
}

const malformed = (packet: string): OddEvent => ({
  event: 'malformed',
  packets: [packet],
  wantsAck: false,
  mayClose: true,
});
