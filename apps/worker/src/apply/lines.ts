import type { UnfinishedRow } from '#ledger';
import { HandlerError } from './handlers.ts';
import { handOver, hasTicket, unnamed, type Held } from './held.ts';
import { LapsedError, type Performer } from './performer.ts';

/** An action in its line. */
interface Place {
  row: UnfinishedRow;
  held: Held;
  state: 'waiting' | 'performing' | 'performed' | 'handed over';
  /** Attempts that have failed here. */
  failures: number;
  /** It will not be tried again here. */
  hasFailed: boolean;
  /** Resolves when it is performed, or will not be. */
  work: Promise<void>;
}

/** What stood behind one that has failed. */
interface Cut {
  /** The ids of those which are still ours to put back; their tickets are those of the first now. */
  ours: string[];
  /** The others, which somebody else may have taken up: with tickets of their own. */
  lapsed: Held[];
}

/** What follows when an action was performed, or was not. */
interface Follow {
  /** Its result, or the {@link HandlerError} that it threw, is in its hands: it can be applied, with others or alone. */
  performed: (held: Held, isAlone: boolean) => void;
  /** @returns after how many milliseconds it is tried again here; undefined when it is not */
  retry: (error: HandlerError) => Promise<number | undefined>;
  /** It is not tried again here, and nothing stands before it. */
  failed: (error: HandlerError, held: Held) => void;
  /** It is not ours any more: others may have taken it up. */
  lapsed: (held: Held) => void;
}

/**
 * The actions that this process has started to perform: a line for each resource. They are
 * performed one after another, and the next one does not wait until the one before is applied:
 * that would cost each a transaction of its own, and the time until it is committed. Nor does it
 * leave the line for a short time between two attempts.
 *
 * When one fails to be applied, and is tried again, what stands behind it leaves the line: who has
 * performed already performs once more after it, lest what they do elsewhere comes out of order.
 */
export class Lines {
  readonly #lines = new Map<string, Place[]>();
  readonly #places = new Map<string, Place>();

  constructor(
    private readonly performer: Performer,
    private readonly follow: Follow,
  ) {}

  /** Whether the action stands in a line of this process. */
  has(id: string): boolean {
    return this.#places.has(id);
  }

  /** The `seq` of an action that stands in a line of this process. */
  seqOf(id: string): number | undefined {
    return this.#places.get(id)?.row.seq;
  }

  /** How many attempts to perform it have failed here. */
  failuresOf(id: string): number {
    return this.#places.get(id)?.failures ?? 0;
  }

  /**
   * Takes an action that is marked as being performed: behind all others, as a rule; some come to light late.
   *
   * @param leasedAt when its lease had not begun yet, by the clock of `performance`
   */
  add(row: UnfinishedRow, held: Held, leasedAt?: number): void {
    const place: Place = { row, held, state: 'waiting', failures: 0, hasFailed: false, work: Promise.resolve() };
    const line = this.#lines.get(row.resource_id) ?? [];
    const before = line.findLastIndex((other) => other.row.seq < row.seq);
    this.#lines.set(row.resource_id, line.toSpliced(before + 1, 0, place));
    this.#places.set(row.id, place);
    this.performer.hold(row.id, leasedAt);
    this.goOn(row.resource_id);
  }

  /**
   * Performs the next one of a resource, if it is its turn; and hands over what was performed,
   * together, once those which were handed over before are settled.
   */
  goOn(resource: string): void {
    const line = this.#lines.get(resource) ?? [];
    const isBusy = line.some(({ state }) => state === 'performing');
    const next = line.find(({ state, hasFailed }) => state === 'waiting' || hasFailed);
    if (!isBusy && next?.state === 'waiting') this.begin(next);
    for (const place of line) {
      if (place.state !== 'performed') break;
      place.state = 'handed over';
      this.follow.performed(place.held, place.row.attempts > place.failures);
    }
  }

  /** It is settled. Who stands behind it has its turn with {@link goOn}. */
  leave(held: Held): void {
    const line = this.#lines.get(held.entry[1]) ?? [];
    this.remove(line.filter((place) => place.held === held));
  }

  /**
   * Clears the line of a resource, the first of which has failed: nobody performs there any more
   * when it resolves.
   *
   * @returns what stood behind it
   */
  async cut(first: Held): Promise<Cut> {
    const line = this.#lines.get(first.entry[1]) ?? [];
    const behind = line.filter(({ row }) => row.id !== first.entry[0]);
    const ours = behind.filter(({ row }) => this.performer.holds(row.id));
    this.remove(line);
    const lapsed: Held[] = [];
    for (const place of behind) {
      const { held } = place;
      delete held.performed;
      held.isVoid = true;
      const heir = ours.includes(place) ? first : unnamed(held.entry);
      handOver(held, heir);
      if (heir !== first) lapsed.push(heir);
    }
    await Promise.all(behind.map(({ work }) => work));
    return { ours: ours.map(({ row }) => row.id), lapsed };
  }

  /**
   * Keeps a ticket for those which are left of a line, that have none: it is done when they are.
   *
   * @returns whether it is needed for that
   */
  keep(held: Held): boolean {
    const line = this.#lines.get(held.entry[1]);
    if (!line || line.some((place) => hasTicket(place.held))) return false;
    handOver(held, line.at(-1)!.held);
    return true;
  }

  private remove(places: readonly Place[]): void {
    for (const place of places) {
      const { id, resource_id } = place.row;
      const left = this.#lines.get(resource_id)!.filter((other) => other !== place);
      if (left.length > 0) this.#lines.set(resource_id, left);
      else this.#lines.delete(resource_id);
      this.#places.delete(id);
      if (place.state === 'performing') this.performer.callOff(id, 'what stands before it is tried again');
      this.performer.release(id);
    }
  }

  private begin(place: Place): void {
    if (!this.performer.holds(place.row.id)) return this.lapse(place);
    place.state = 'performing';
    place.work = this.perform(place);
  }

  private async perform(place: Place): Promise<void> {
    const { held } = place;
    try {
      const result = await this.attempt(place);
      if (!this.isIn(place)) return;
      held.performed = { result };
      place.state = 'performed';
    } catch (error) {
      if (!this.isIn(place)) return;
      place.state = 'performed';
      if (!(error instanceof HandlerError)) return this.lapse(place);
      place.hasFailed = true;
      if (this.#lines.get(place.row.resource_id)![0] === place) return this.follow.failed(error, held);
      // Those before it have their end first.
      held.performed = { result: error };
    }
    this.goOn(place.row.resource_id);
  }

  /**
   * @throws {HandlerError} when it fails, and is not tried again here
   * @throws {LapsedError} when others may have taken it up meanwhile
   */
  private async attempt(place: Place): Promise<unknown> {
    try {
      return await this.performer.perform(place.row, place.row.attempts + 1);
    } catch (error) {
      if (error instanceof LapsedError) throw error;
      const failure = error instanceof HandlerError ? error : new HandlerError([place.row], error);
      // Who has left the line is called off, too.
      const isOver = this.performer.isCalledOff(place.row.id);
      const delayMs = isOver ? undefined : await this.follow.retry(failure);
      if (delayMs === undefined) throw failure;
      place.failures += 1;
      place.row = { ...place.row, attempts: place.row.attempts + 1 };
      await this.performer.pause(place.row.id, delayMs);
    }
    if (!this.performer.holds(place.row.id)) throw new LapsedError('its lease is over');
    return this.attempt(place);
  }

  /** What is under way before it can still be applied. */
  private lapse(place: Place): void {
    const line = this.#lines.get(place.row.resource_id)!;
    const lapsed = line.filter((other) => other === place || other.state === 'waiting');
    this.remove(lapsed);
    for (const { held } of lapsed) this.follow.lapsed(held);
    this.goOn(place.row.resource_id);
  }

  private isIn(place: Place): boolean {
    return this.#places.get(place.row.id) === place;
  }
}
