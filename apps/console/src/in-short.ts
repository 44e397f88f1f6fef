/** @param most in code points */
export function inShort(text: string, most: number): string {
  // A code point has two units at most.
  const points = Array.from(text.slice(0, 2 * (most + 1)));
  return points.length > most ? `${points.slice(0, most).join('')}…` : text;
}
