import { parseArgs } from 'node:util';

export interface ChaosOptions {
  profile: string;
  seed: number;
  /** The name of a fault, or of one of its variants (`redis-partitioned/cut`): each of these alone. */
  only?: string;
  /** The rate of submits, and the least number of accepted actions, instead of the profile's. */
  perSecond?: number;
  actions?: number;
  /** Falsifies an outcome before judging, to see the run fail. */
  tamper?: string;
  /** Skips the build: `dist/` is as new as the sources. */
  isBuilt: boolean;
  /** How the run is repeated. */
  command: string;
}

/** @throws {Error} that names the option that is wrong */
export function parseChaosOptions(args: string[], randomSeed: number): ChaosOptions {
  const { values } = parseArgs({
    args,
    options: {
      profile: { type: 'string', default: 'short' },
      seed: { type: 'string', default: String(randomSeed) },
      only: { type: 'string' },
      rate: { type: 'string' },
      actions: { type: 'string' },
      tamper: { type: 'string' },
      built: { type: 'boolean', default: false },
    },
  });
  const { profile, only, tamper, rate, actions } = values;
  const seed = wholeNumber('seed', values.seed);
  return {
    ...{ profile, seed },
    ...(only !== undefined && { only }),
    ...(tamper !== undefined && { tamper }),
    ...(rate !== undefined && { perSecond: wholeNumber('rate', rate, 1) }),
    ...(actions !== undefined && { actions: wholeNumber('actions', actions, 1) }),
    isBuilt: values.built,
    command: ['npm run chaos --', `--seed=${seed}`, ...withoutSeed(args)].join(' '),
  };
}

function wholeNumber(name: string, text: string, least = 0): number {
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  throw new Error(`--${name} must be a whole number from ${least}, not ${text}`);
}

/** The arguments but for the seed, which may be one of them (`--seed=7`) or two (`--seed 7`). */
function withoutSeed(args: readonly string[]): string[] {
  return args.filter((arg, index) => !arg.startsWith('--seed') && args[index - 1] !== '--seed');
}
