import { expect, it } from 'vitest';
import { isUserId } from './user-id.ts';

it.each(['a', 'auth0|1', ' ', 'a/b', '用'.repeat(200), '👩‍👧'])('%j can be a user', (value) => {
  expect(isUserId(value)).toBe(true);
});

it.each([[undefined], [7], [''], ['a'.repeat(201)], ['a\0b'], ['\ud800']])('%j can be no user', (value) => {
  expect(isUserId(value)).toBe(false);
});
