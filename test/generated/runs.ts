/**
 * How many inputs are generated, and from what seed: `FUZZ_RUNS`, `FUZZ_SEED`. Unless they are
 * set it is few, and the same each time.
 */
export const RUNS = Number(process.env['FUZZ_RUNS'] || 1_000);
export const SEED = Number(process.env['FUZZ_SEED'] || 20_261_124);

/** How long they may take, in milliseconds. */
export const RUNS_MS = 60_000 + 100 * RUNS;
