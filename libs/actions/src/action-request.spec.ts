import { describe, expect, it } from 'vitest';
import { fingerprintOf, parseActionRequest, parseIdempotencyKey, parseIfMatch, parseUuid } from './action-request.ts';

const ID = '6f1c1e0a-9d4b-4c53-8a55-0c7c1fd1b1aa';
const refusal = (code: string) => ({ code: 'VALIDATION_FAILED', options: { errors: [{ pointer: '/here', code }] } });

/** What a parser refuses with. */
function thrownBy(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    return error;
  }
}

describe('parseActionRequest', () => {
  it.each([
    ['owner', '/owner'],
    ['a/b', '/a~1b'],
    ['a~b', '/a~0b'],
    ['~1', '/~01'],
    ['', '/'],
  ])('points to the unknown field %j as RFC 6901 has it', (name, pointer) => {
    expect(thrownBy(() => parseActionRequest({ type: 'messages.create', [name]: 1 }))).toMatchObject({
      options: { errors: [{ pointer, code: 'UNKNOWN_FIELD' }] },
    });
  });
});

describe('parseUuid', () => {
  it('takes either case, and gives the lower one', () => {
    expect(parseUuid(ID.toUpperCase(), '/here')).toBe(ID);
  });

  it.each([[undefined], [null], [7], [''], [`${ID} `], [`{${ID}}`], [ID.replaceAll('-', '')], [`${ID}\n`]])(
    'refuses %j',
    (value) => {
      expect(thrownBy(() => parseUuid(value, '/here'))).toMatchObject(refusal('IS_UUID'));
    },
  );
});

describe('parseIfMatch', () => {
  it.each([
    [undefined, undefined],
    ['"3"', 3],
    ['3', 3],
    [' "12" ', 12],
  ])('reads %j as %j', (value, version) => {
    expect(parseIfMatch(value, '/here')).toBe(version);
  });

  it.each([['W/"3"'], ['*'], ['"1", "2"'], [''], ['""'], ['-1'], ['1.5'], ['1234567890'], [null], [3]])(
    'refuses %j',
    (value) => {
      expect(thrownBy(() => parseIfMatch(value, '/here'))).toMatchObject(refusal('IF_MATCH'));
    },
  );
});

describe('parseIdempotencyKey', () => {
  it.each([
    [undefined, undefined],
    ['12345678', '12345678'],
    ['"12345678"', '12345678'],
    [' order 2026/7 ', 'order 2026/7'],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('reads %j as %j', (value, key) => {
    expect(parseIdempotencyKey(value, '/here')).toBe(key);
  });

  it.each([[''], ['1234567'], ['"1234567"'], ['k'.repeat(256)], ['schlüssel-1'], ['1234\n5678'], [null], [12_345_678]])(
    'refuses %j',
    (value) => {
      expect(thrownBy(() => parseIdempotencyKey(value, '/here'))).toMatchObject(refusal('IDEMPOTENCY_KEY'));
    },
  );
});

describe('fingerprintOf', () => {
  const request = { type: 'messages.edit', resourceId: ID, payload: { text: 'a' }, ifMatch: '3' };

  it('is equal for the same request, whatever its key and trace', () => {
    const again = { ...structuredClone(request), idempotencyKey: '12345678', traceparent: '00-1' };
    expect(fingerprintOf(again)).toBe(fingerprintOf(request));
  });

  it.each([
    ['type', { type: 'messages.create' }],
    ['resource', { resourceId: ID.replace('6', '7') }],
    ['body', { payload: { text: 'b' } }],
    ['precondition', { ifMatch: undefined }],
  ])('differs by the %s', (_, other) => {
    expect(fingerprintOf({ ...request, ...other })).not.toBe(fingerprintOf(request));
  });
});
