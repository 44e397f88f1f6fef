import { describe, expect, it } from 'vitest';
import { channelOf, parseAudience } from './audience.ts';

const ROOM = '0190c9c3-0000-7000-8000-0000000000AB';

describe('an audience', () => {
  it.each([
    ['everyone', 'everyone'],
    ['authenticated', 'authenticated'],
    ['user:alice', 'user:alice'],
    ['user:a b:ü/*', 'user:a%20b%3A%C3%BC%2F*'],
    ['user:user:bob', 'user:user%3Abob'],
    [`user:${'x'.repeat(200)}`, `user:${'x'.repeat(200)}`],
    [`room:${ROOM}`, `room:${ROOM.toLowerCase()}`],
  ])('%s hears on a channel of its own', (text, channel) => {
    expect(channelOf(parseAudience(text)!)).toBe(channel);
  });

  it.each([
    '',
    'Everyone',
    'everyone ',
    ' authenticated',
    'all',
    'user',
    'user:',
    'users:alice',
    'User:alice',
    `user:${'x'.repeat(201)}`,
    'user:a\0b',
    'user:a\ud800',
    'room:',
    'room:1',
    `room:${ROOM} `,
    `room:{${ROOM}}`,
    'constructor',
  ])('is nothing like %j', (text) => {
    expect(parseAudience(text)).toBeUndefined();
  });
});
