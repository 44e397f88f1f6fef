import fc from 'fast-check';

/**
 * `FUZZ_RUNS` inputs are generated from `FUZZ_SEED`. Unless they are set it is few, and the
 * same each time.
 */
export const RUNS = Number(process.env['FUZZ_RUNS'] || 1_000);
export const SEED = Number(process.env['FUZZ_SEED'] || 20_261_124);

/** How long they may take, in milliseconds. */
export const RUNS_MS = 60_000 + 100 * RUNS;

/** Counts the answers, by what was asked. */
export class Tally {
  readonly #answers = new Map<string, Map<string, number>>();

  add(asked: string, answer: string): void {
    const answers = this.#answers.get(asked) ?? new Map<string, number>();
    this.#answers.set(asked, answers.set(answer, (answers.get(answer) ?? 0) + 1));
  }

  get asked(): string[] {
    return [...this.#answers.keys()];
  }

  toString(): string {
    return [...this.#answers]
      .map(([asked, answers]) => `${asked}: ${[...answers].map(([answer, count]) => `${answer} ${count}`).join(', ')}`)
      .join('\n');
  }
}

interface Part {
  /** Of all, from 0 to 1. */
  share: number;
  /** Each half says others. */
  half: number;
}

/**
 * Says a share of all inputs, by a function that throws when the answer is none of the good
 * ones. A failure tells the seed, and the shortest input found that fails too.
 */
export function sayAll<Input>(
  inputs: fc.Arbitrary<Input>,
  { share, half }: Part,
  say: (input: Input) => Promise<void>,
): Promise<void> {
  const numRuns = Math.max(Math.round(RUNS * share), 1);
  return fc.assert(fc.asyncProperty(inputs, say), {
    seed: SEED + half,
    numRuns,
    // Where each try hangs, no shorter one is looked for until the test times out.
    interruptAfterTimeLimit: RUNS_MS / 2,
    markInterruptAsFailure: true,
  });
}
