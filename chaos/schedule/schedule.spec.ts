import { describe, expect, it } from 'vitest';
import { everyKindInMixes, labelOf, mixes, singles, type Round, type Schedulable } from './schedule.ts';

const KINDS: Schedulable[] = [
  { name: 'api-killed', targets: ['apis'], holdMs: [100, 200] },
  { name: 'worker-killed', targets: ['workers'], holdMs: [100, 200] },
  { name: 'worker-frozen', targets: ['workers'], holdMs: [100, 200] },
  { name: 'redis-cut', targets: ['redis', 'messages'], holdMs: [1_000, 3_000], variants: ['cut', 'delay'] },
  { name: 'redis-killed', targets: ['redis'], holdMs: [0, 0] },
];

function take(count: number, seed: number): Round[] {
  const rounds = mixes(seed, KINDS);
  return Array.from({ length: count }, () => rounds.next().value);
}

function targetsOf(name: string): readonly string[] {
  return KINDS.find((kind) => kind.name === name)!.targets;
}

describe('the schedule', () => {
  it('is the same for the same seed, and another for another', () => {
    for (const make of [singles, everyKindInMixes]) {
      expect(make(7, KINDS)).toEqual(make(7, KINDS));
      expect(make(7, KINDS)).not.toEqual(make(8, KINDS));
    }
    expect(take(50, 7)).toEqual(take(50, 7));
    expect(take(50, 7)).not.toEqual(take(50, 8));
    expect(take(10, 7)).toEqual(take(50, 7).slice(0, 10));
  });

  it('has each kind alone, in each of its variants', () => {
    const rounds = singles(1, KINDS);
    expect(rounds.every(({ faults }) => faults.length === 1)).toBe(true);
    expect(rounds.map(({ faults }) => labelOf(faults[0]!))).toEqual([
      'api-killed',
      'worker-killed',
      'worker-frozen',
      'redis-cut/cut',
      'redis-cut/delay',
      'redis-killed',
    ]);
  });

  it('has every kind once in a short run', () => {
    for (let seed = 0; seed < 50; seed += 1) {
      const kinds = everyKindInMixes(seed, KINDS).flatMap(({ faults }) => faults.map(({ kind }) => kind));
      expect(kinds.toSorted()).toEqual(KINDS.map(({ name }) => name).toSorted());
    }
  });

  it('mixes two or three faults, none on the target of another, each within its limits', () => {
    const rounds = take(500, 3);
    expect(new Set(rounds.map(({ faults }) => faults.length))).toEqual(new Set([2, 3]));
    for (const { faults } of rounds) {
      const targets = faults.flatMap(({ kind }) => targetsOf(kind));
      expect(new Set(targets).size).toBe(targets.length);
      for (const { kind, variant, holdMs, victim } of faults) {
        const { holdMs: limits, variants } = KINDS.find(({ name }) => name === kind)!;
        expect(holdMs).toBeGreaterThanOrEqual(limits[0]);
        expect(holdMs).toBeLessThanOrEqual(limits[1]);
        expect(victim).toBeLessThan(1);
        expect(variants ?? [undefined]).toContain(variant);
      }
    }
    const seen = new Set(rounds.flatMap(({ faults }) => faults.map(labelOf)));
    expect(seen.size).toBe(6);
  });
});
