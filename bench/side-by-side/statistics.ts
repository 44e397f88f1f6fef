/** Of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A median and what it is the median of. */
export interface Spread {
  median: number;
  least: number;
  most: number;
  values: number[];
}

export function spreadOf(values: readonly number[]): Spread {
  const known = values.filter((value) => Number.isFinite(value));
  return { median: median(known), least: Math.min(...known), most: Math.max(...known), values: [...values] };
}
