const pending: (() => Promise<void>)[] = [];

/** Runs `work` at the end of the test file, or of the program that uses this lib without a test runner. */
export function atEndOfFile(work: () => Promise<void>): void {
  pending.push(work);
}

/** Ends it all, the last first. Tests need not call it: see `test-hooks.ts`. */
export async function endAll(): Promise<void> {
  for (let work = pending.pop(); work; work = pending.pop()) await work();
}
