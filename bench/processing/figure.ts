/** One line of the table. */
export interface Figure {
  name: string;
  value: string | number;
  /** What is guaranteed. */
  wanted?: string;
  /** Whether it is kept; undefined: only for information. */
  holds?: boolean;
}

/** A guarantee on a number. */
export function atMost(name: string, value: number, limit: number, unit = ''): Figure {
  return { name, value: `${round(value)}${unit}`, wanted: `≤ ${limit}${unit}`, holds: value <= limit };
}

/** A guarantee on a number. */
export function atLeast(name: string, value: number, limit: number, unit = ''): Figure {
  return { name, value: `${round(value)}${unit}`, wanted: `≥ ${limit}${unit}`, holds: value >= limit };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The smallest value that is not below a share of all. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
