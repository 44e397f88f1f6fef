import { afterAll } from 'vitest';

const pending: (() => Promise<void>)[] = [];

/**
 * Runs `work` at the end of the test file. Vitest takes hooks only while it collects the tests,
 * and what needs an end is mostly made later: so one hook, taken when this file is imported,
 * ends it all, the last first.
 */
export function atEndOfFile(work: () => Promise<void>): void {
  pending.push(work);
}

afterAll(async () => {
  for (let work = pending.pop(); work; work = pending.pop()) await work();
});
