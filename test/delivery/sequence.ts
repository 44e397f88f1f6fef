import { expect } from 'vitest';
import { eventually, type Listener } from '#testing';

/** The offsets of a channel from its beginning to its head. */
export function upTo(head: number, first = 1): number[] {
  return Array.from({ length: Math.max(head - first + 1, 0) }, (_, index) => first + index);
}

/** Waits until a listener has heard this offset, and checks that it heard all before it, once, and in order. */
export async function heardAll(listener: Listener, head: number, timeoutMs = 15_000): Promise<void> {
  await eventually(() => expect(listener.offsets.at(-1) ?? 0).toBeGreaterThanOrEqual(head), { timeoutMs });
  expect(listener.offsets).toEqual(upTo(head));
  expect(new Set(listener.actionIds).size).toBe(head);
}
