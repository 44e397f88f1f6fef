import { gzipSync } from 'node:zlib';

export interface Sent {
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream;
  /** Of a body that is a stream. */
  duplex?: 'half';
}

/** `[[[…]]]` */
export function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

/** `{"text":{"a":{"a":…}}}` */
function nestedObjects(depth: number): string {
  return `{"text":${'{"a":'.repeat(depth - 1)}1${'}'.repeat(depth)}`;
}

export function gzipped(text: string | Buffer): Sent {
  return { body: new Uint8Array(gzipSync(text)), headers: { 'content-encoding': 'gzip' } };
}

const GOOD = '{"text":"a"}';
const ofType = (type: string, body = GOOD): Sent => ({ body, headers: { 'content-type': type } });

/** Bodies that no route takes: what is wrong, and the refusal. */
export const BAD_BODIES: [what: string, status: number, code: string, sent: Sent][] = [
  ['is not JSON', 400, 'MALFORMED_JSON', { body: '{"text":' }],
  ['is JSON with a comment', 400, 'MALFORMED_JSON', { body: `${GOOD} // yes` }],
  ['is not UTF-8', 400, 'MALFORMED_JSON', { body: Uint8Array.of(0x22, 0xff, 0xfe, 0x22) }],
  ['is of another charset', 415, 'UNSUPPORTED_MEDIA_TYPE', ofType('application/json; charset=iso-8859-1')],
  ['is a form', 415, 'UNSUPPORTED_MEDIA_TYPE', ofType('application/x-www-form-urlencoded', 'text=a')],
  ['is plain text', 415, 'UNSUPPORTED_MEDIA_TYPE', ofType('text/plain')],
  ['is of a type that is none', 415, 'UNSUPPORTED_MEDIA_TYPE', ofType('nonsense')],
  [
    'is of an unknown coding',
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    { body: GOOD, headers: { 'content-encoding': 'compress' } },
  ],
  ['is not gzipped as it claims', 400, 'MALFORMED_JSON', { body: GOOD, headers: { 'content-encoding': 'gzip' } }],
  ['is a gzip bomb', 413, 'PAYLOAD_TOO_LARGE', gzipped(Buffer.alloc(20_000_000, '['))],
  ['is larger than 100 kB', 413, 'PAYLOAD_TOO_LARGE', { body: JSON.stringify({ text: 'a'.repeat(110_000) }) }],
  ['is nested 33 levels deep', 400, 'TOO_DEEP', { body: nested(33) }],
  ['is nested 33 objects deep', 400, 'TOO_DEEP', { body: nestedObjects(33) }],
  ['is nested 50 000 levels deep', 400, 'TOO_DEEP', { body: nested(50_000) }],
  ['is nested 100 000 levels deep', 413, 'PAYLOAD_TOO_LARGE', { body: nested(100_000) }],
  ['is nested 100 000 levels deep, gzipped', 413, 'PAYLOAD_TOO_LARGE', gzipped(nested(100_000))],
  ['is an array', 400, 'VALIDATION_FAILED', { body: `[${GOOD}]` }],
  ['is a string', 400, 'VALIDATION_FAILED', { body: '"text"' }],
  ['is a number', 400, 'VALIDATION_FAILED', { body: '5' }],
  ['is true', 400, 'VALIDATION_FAILED', { body: 'true' }],
  ['has the key __proto__', 400, 'VALIDATION_FAILED', { body: '{"text":"a","__proto__":{"text":"b"}}' }],
  ['has the key constructor', 400, 'VALIDATION_FAILED', { body: '{"text":"a","constructor":{"prototype":{}}}' }],
  ['has the key toString', 400, 'VALIDATION_FAILED', { body: '{"text":"a","toString":"b"}' }],
  ['has an unknown field', 400, 'VALIDATION_FAILED', { body: '{"text":"a","author":"bob"}' }],
];

/** Bodies that are no message: what is wrong, and the pointer to it. */
export const BAD_MESSAGES: [what: string, body: string, pointer: string][] = [
  ['misses the text', '{}', '/text'],
  ['is null', 'null', ''],
  ['has an empty text', '{"text":""}', '/text'],
  ['has a number for a text', '{"text":5}', '/text'],
  ['has null for a text', '{"text":null}', '/text'],
  ['has an array for a text', '{"text":["a"]}', '/text'],
  ['has an object for a text', '{"text":{"a":1}}', '/text'],
  ['has a text of 4001 characters', JSON.stringify({ text: '😀'.repeat(4_001) }), '/text'],
  ['has a NUL in the text', '{"text":"a\\u0000b"}', '/text'],
  ['has a lone surrogate in the text', '{"text":"a\\ud800b"}', '/text'],
  ['has an unknown field', '{"text":"a","version":7}', '/version'],
  ['has an unknown field with a pointer to escape', '{"text":"a","a/b~c":7}', '/a~1b~0c'],
];

/** Bodies of messages that are unusual and good. */
export const GOOD_MESSAGES: [what: string, sent: Sent][] = [
  ['with the longest text, of any characters', { body: JSON.stringify({ text: '😀'.repeat(4_000) }) }],
  ['gzipped', gzipped(GOOD)],
  ['of a charset that says UTF-8', ofType('application/json; charset="UTF-8"')],
];
