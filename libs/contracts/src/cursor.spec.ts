import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roomChannel, userChannel } from './channel.ts';
import { checkOf, decodeCursor, encodeCursor, LONGEST_CURSOR } from './cursor.ts';
import { isUserId } from './user-id.ts';

const check = fc.stringMatching(/^[0-9a-f]{12}$/);
const offset = fc.nat(Number.MAX_SAFE_INTEGER);
const subject = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

describe('a cursor', () => {
  it('names the same position after it was given away and back, for any user', () => {
    fc.assert(
      fc.property(subject, offset, check, (userId, at, mark) => {
        const position = { channel: userChannel(userId), offset: at, check: mark };
        expect(decodeCursor(encodeCursor(position))).toEqual(position);
      }),
    );
  });

  it('fits into a URL and a header as it is', () => {
    fc.assert(
      fc.property(subject, offset, check, (userId, at, mark) => {
        expect(encodeCursor({ channel: userChannel(userId), offset: at, check: mark })).toMatch(/^[\w-]+$/);
      }),
    );
  });

  it.each(['用', 'é', '👩'])('does so for the longest user, all %s', (character) => {
    const userId = character.repeat(200 / character.length);
    const position = { channel: userChannel(userId), offset: Number.MAX_SAFE_INTEGER, check: 'f0f0f0f0f0f0' };
    expect(isUserId(userId)).toBe(true);
    expect(decodeCursor(encodeCursor(position))).toEqual(position);
  });

  it('is not found in other text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(decodeCursor(text)).toBeNull();
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['the beginning', '0'],
    ['another alphabet', 'YWJj+/=='],
    ['an impossible length', 'abcde'],
    ['no check', btoa('.1.everyone')],
    ['a check in capitals', btoa('AAAAAAAAAAAA.1.everyone')],
    ['no offset', btoa('aaaaaaaaaaaa..everyone')],
    ['a negative offset', btoa('aaaaaaaaaaaa.-1.everyone')],
    ['an offset with a leading zero', btoa('aaaaaaaaaaaa.01.everyone')],
    ['an offset beyond what counts exactly', btoa('aaaaaaaaaaaa.9007199254740992.everyone')],
    ['no channel', btoa('aaaaaaaaaaaa.1.')],
    ['a channel with a space', btoa('aaaaaaaaaaaa.1.user:a b')],
    ['a channel beyond ASCII', btoa('aaaaaaaaaaaa.1.user:\u00e9')],
    ['more than any of ours has', 'a'.repeat(LONGEST_CURSOR + 1)],
  ])('is refused with %s', (_, text) => {
    expect(decodeCursor(text.replaceAll('=', ''))).toBeNull();
  });
});

describe('the check of an event', () => {
  it('is the random end of its id', () => {
    expect(checkOf('019a5f2e-7c1b-7d3e-8f00-a1b2c3d4e5f6')).toBe('a1b2c3d4e5f6');
  });
});

describe('the name of a channel', () => {
  it('differs for different users', () => {
    fc.assert(
      fc.property(subject, subject, (one, other) => {
        expect(userChannel(one) === userChannel(other)).toBe(one === other);
      }),
    );
  });

  it('cannot be made to look like another by the id in it', () => {
    fc.assert(
      fc.property(subject, (id) => {
        expect(userChannel(id)).toMatch(/^user:[\w%.!~*'()-]+$/);
        expect(roomChannel(id)).toMatch(/^room:[\w%.!~*'()-]+$/);
      }),
    );
    expect(userChannel('1}:{everyone')).toBe('user:1%7D%3A%7Beveryone');
  });
});
