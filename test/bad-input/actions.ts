import { BAD_MESSAGES, nested } from './bodies.ts';

const ID = '01890a5d-ac96-774b-bcce-b302099a8057';

/** A create with the fields that are given as JSON. */
const create = (more: string, payload = '{"text":"a"}'): string =>
  `{"type":"messages.create","payload":${payload}${more && `,${more}`}}`;
const edit = (more: string): string => `{"type":"messages.edit","payload":{"text":"a"},${more}}`;

/** Actions that neither a batch nor a socket takes: what is wrong, as JSON, the code, the pointer to it. */
export const BAD_ACTIONS: [what: string, action: string, code: string, pointer?: string][] = [
  ...BAD_MESSAGES.map(([what, body, pointer]): [string, string, string, string] => [
    `whose message ${what}`,
    create('', body),
    'VALIDATION_FAILED',
    `/payload${pointer}`,
  ]),
  ['that is null', 'null', 'VALIDATION_FAILED', ''],
  ['that is an array', `[${create('')}]`, 'VALIDATION_FAILED', ''],
  ['that is a string', '"messages.create"', 'VALIDATION_FAILED', ''],
  ['that is a number', '1e999', 'VALIDATION_FAILED', ''],
  ['that is empty', '{}', 'VALIDATION_FAILED', '/type'],
  ['of a type that is a number', '{"type":5,"payload":{"text":"a"}}', 'VALIDATION_FAILED', '/type'],
  ['of a type that is none', '{"type":"nope.create","payload":{"text":"a"}}', 'VALIDATION_FAILED', '/type'],
  ['of a type of every object', '{"type":"constructor","payload":{"text":"a"}}', 'VALIDATION_FAILED', '/type'],
  ['with a NUL in the type', '{"type":"messages.create\\u0000"}', 'VALIDATION_FAILED', '/type'],
  ['without a payload', '{"type":"messages.create"}', 'VALIDATION_FAILED', '/payload'],
  [
    'with a payload where there is none',
    `{"type":"messages.delete","resourceId":"${ID}","payload":{"a":1}}`,
    'VALIDATION_FAILED',
    '/payload',
  ],
  ['of somebody else', create('"owner":"bob"'), 'VALIDATION_FAILED', '/owner'],
  ['with the key __proto__', create('"__proto__":{}'), 'VALIDATION_FAILED', '/__proto__'],
  ['with the key constructor', create('"constructor":1'), 'VALIDATION_FAILED', '/constructor'],
  [
    'with the key toString in the payload',
    create('', '{"text":"a","toString":1}'),
    'VALIDATION_FAILED',
    '/payload/toString',
  ],
  ['of an id that is no UUID', create('"resourceId":"x"'), 'VALIDATION_FAILED', '/resourceId'],
  ['of an id that is an object', edit('"resourceId":{"a":1}'), 'VALIDATION_FAILED', '/resourceId'],
  ['that edits without an id', edit('"ifMatch":"1"'), 'VALIDATION_FAILED', '/resourceId'],
  ['with a weak version', edit(`"resourceId":"${ID}","ifMatch":"W/\\"1\\""`), 'VALIDATION_FAILED', '/ifMatch'],
  ['with a version that is a number', edit(`"resourceId":"${ID}","ifMatch":1`), 'VALIDATION_FAILED', '/ifMatch'],
  ['with a short key', create('"idempotencyKey":"short"'), 'VALIDATION_FAILED', '/idempotencyKey'],
  ['with a long key', create(`"idempotencyKey":"${'x'.repeat(256)}"`), 'VALIDATION_FAILED', '/idempotencyKey'],
  ['with a key that is a number', create('"idempotencyKey":12345678'), 'VALIDATION_FAILED', '/idempotencyKey'],
  ['that is nested 33 levels deep', create('', nested(33)), 'TOO_DEEP'],
  ['that is nested 30 000 levels deep', create('', nested(30_000)), 'TOO_DEEP'],
  [
    'with a scope that is missing',
    '{"type":"announcements.create","payload":{"audience":"everyone","title":"a","body":"b"}}',
    'FORBIDDEN',
  ],
];
