/** Three digits that count. */
export function number(value: number | null): string {
  // What is not finite is null once it has come from another process as JSON.
  if (value === null || !Number.isFinite(value)) return '–';
  return Math.abs(value) >= 1_000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
