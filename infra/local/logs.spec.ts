import { describe, expect, it } from 'vitest';
import { notable } from './logs.ts';

describe('what of a log goes to the terminal', () => {
  it.each([
    ['{"level":30,"msg":"request completed"}', null],
    ['{"level":40,"msg":"redis is away"}', 'redis is away'],
    ['{"level":"error","msg":"failed","err":{"message":"no connection"}}', 'failed: no connection'],
    ['', null],
    ['Error: not a log line', 'Error: not a log line'],
  ])('%s', (line, shown) => {
    expect(notable(line)).toBe(shown);
  });
});
