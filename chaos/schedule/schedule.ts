import { integer, pick, randomFrom, shuffled, type Random } from './random.ts';

/** What a fault acts on, or needs to be well. Two faults on the same target never meet: one would undo or hide the other. */
export type Target = 'apis' | 'workers' | 'gateways' | 'redis' | 'postgres' | 'clients' | 'messages' | 'actions';

/** What the schedule has to know of a kind of fault. */
export interface Schedulable {
  name: string;
  targets: readonly Target[];
  /** In how many ways it happens; one unless given. */
  variants?: readonly string[];
  /** How long it lasts, in milliseconds: chosen between these. */
  holdMs: readonly [shortest: number, longest: number];
}

/** A fault that will happen. */
export interface PlannedFault {
  kind: string;
  variant?: string;
  /** From the start of its round, in milliseconds. */
  afterMs: number;
  holdMs: number;
  /** Chooses who is hit: a number from 0 to 1, of those who are there then. */
  victim: number;
}

/** Faults that overlap, and after which all must heal. */
export interface Round {
  faults: PlannedFault[];
}

/** How far apart the faults of a mix begin at most, in milliseconds. */
const SPREAD_MS = 2_000;

/** Each kind alone, in each of its variants, in the order of the catalogue. */
export function singles(seed: number, kinds: readonly Schedulable[]): Round[] {
  const random = randomFrom(seed);
  return kinds.flatMap((kind) =>
    (kind.variants ?? [undefined]).map((variant) => ({ faults: [plan(random, kind, { variant, afterMs: 0 })] })),
  );
}

/** Every kind once, two or three at a time where their targets allow it: what a short run has time for. */
export function everyKindInMixes(seed: number, kinds: readonly Schedulable[]): Round[] {
  const random = randomFrom(seed);
  const left = shuffled(random, kinds);
  const rounds: Round[] = [];
  while (left.length > 0) rounds.push(mix(random, left, 3));
  return rounds;
}

/** Two or three kinds at a time, for ever. */
export function* mixes(seed: number, kinds: readonly Schedulable[]): Generator<Round, never> {
  const random = randomFrom(seed ^ 0x5eed);
  for (;;) yield mix(random, shuffled(random, kinds), integer(random, 2, 4));
}

/** Takes kinds out of `left`, from the front on, whose targets differ. */
function mix(random: Random, left: Schedulable[], size: number): Round {
  const chosen: Schedulable[] = [];
  for (let index = 0; index < left.length && chosen.length < size;) {
    const kind = left[index]!;
    if (chosen.some(({ targets }) => targets.some((target) => kind.targets.includes(target)))) index += 1;
    else chosen.push(...left.splice(index, 1));
  }
  return {
    faults: chosen.map((kind) =>
      plan(random, kind, {
        variant: kind.variants && pick(random, kind.variants),
        afterMs: integer(random, 0, SPREAD_MS),
      }),
    ),
  };
}

function plan(
  random: Random,
  { name, holdMs: [shortest, longest] }: Schedulable,
  { variant, afterMs }: { variant: string | undefined; afterMs: number },
): PlannedFault {
  const victim = random();
  const holdMs = integer(random, shortest, longest + 1);
  return { kind: name, ...(variant !== undefined && { variant }), afterMs, holdMs, victim };
}

/** The name of a fault with its variant, as in reports and in `--only`. */
export function labelOf({ kind, variant }: Pick<PlannedFault, 'kind' | 'variant'>): string {
  return variant === undefined ? kind : `${kind}/${variant}`;
}
