import { describe, expect, it } from 'vitest';
import { parseChaosOptions } from './options.ts';

describe('the options of a run', () => {
  it('name the command that repeats it, with the seed that was chosen', () => {
    expect(parseChaosOptions(['--profile=long', '--only=redis-hung'], 42)).toEqual({
      ...{ profile: 'long', seed: 42, only: 'redis-hung', isBuilt: false },
      command: 'npm run chaos -- --seed=42 --profile=long --only=redis-hung',
    });
    const { command } = parseChaosOptions(['--seed=7', '--rate=50'], 42);
    expect(command).toBe('npm run chaos -- --seed=7 --rate=50');
    expect(parseChaosOptions(['--seed', '7', '--rate=50'], 42)).toMatchObject({ seed: 7, perSecond: 50, command });
  });

  it('are refused when they are none', () => {
    for (const wrong of ['--seed=x', '--rate=-1', '--rate=0', '--actions=0', '--actions=many', '--nothing']) {
      expect(() => parseChaosOptions([wrong], 42)).toThrow(wrong.split('=')[0]);
    }
  });
});
