import { expect, it } from 'vitest';
import { clockFinding } from './finding.ts';
import { isOlder } from './machine.checks.ts';

it.each([
  [-60_000, 'warning'],
  [0, 'ok'],
  [60_000, 'warning'],
])('a clock that differs by %i ms is told of: %s', async (skew, level) => {
  expect(await clockFinding('clock', () => Promise.resolve(Date.now() + skew))).toMatchObject({ level });
});

it.each([
  ['8.3.0', '8.21.1', true],
  ['7.99.99', '8.0.0', true],
  ['8.21.1', '8.21.1', false],
  ['8.21.10', '8.21.9', false],
  ['9.0.0', '8.21.1', false],
  ['6.2.0-rc1', '7.0.0', true],
])('version %s is older than %s: %s', (version, than, expected) => {
  expect(isOlder(version, than)).toBe(expected);
});
