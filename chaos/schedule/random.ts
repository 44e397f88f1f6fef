/** Numbers that look random and are the same for the same seed: from 0 up to, and without, 1. */
export type Random = () => number;

/** Mulberry32, by Tommy Ettinger (public domain): 32 bits of state are enough to choose faults. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** @param most exclusive */
export function integer(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least));
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[integer(random, 0, items.length)]!;
}

/** Fisher and Yates. */
export function shuffled<Item>(random: Random, items: readonly Item[]): Item[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = integer(random, 0, last + 1);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
