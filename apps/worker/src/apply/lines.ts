import type { UnfinishedRow } from '#ledger';
import { HandlerError } from './handlers.ts';
import { handOver, hasTicket, type Held } from './held.ts';
import type { Performer } from './performer.ts';

/** An action in its line. */
interface Place {
  row: UnfinishedRow;
  held: Held;
  state: 'waiting' | 'performing' | 'performed' | 'handed over';
  hasFailed?: boolean;
  /** Resolves when it is performed, or will not be. */
  work: Promise<void>;
}

/** What follows when an action was performed, or cannot be. */
interface Follow {
  /** Its result, or the {@link HandlerError} that it threw, is in its hands: it can be applied. */
  performed: (row: UnfinishedRow, held: Held) => void;
  /** It threw, and nothing stands before it. */
  failed: (error: HandlerError, held: Held) => void;
  /** It is not ours any more: others may have taken it up. */
  lapsed: (held: Held) => void;
}

/**
 * The actions that this process has started to perform: a line for each resource. They are
 * performed one after another, and the next one does not wait until the one before is applied:
 * that would cost each a transaction of its own, and the time until it is committed.
 *
 * So when one fails, and is tried again, what stands behind it leaves the line: who has performed
 * already performs once more after it, lest what they do elsewhere comes out of order.
 */
export class Lines {
  readonly #lines = new Map<string, Place[]>();
  readonly #ids = new Set<string>();

  constructor(
    private readonly performer: Performer,
    private readonly follow: Follow,
  ) {}

  /** Whether the action stands in a line of this process. */
  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Appends an action that is marked as being performed. */
  add(row: UnfinishedRow, held: Held): void {
    const place: Place = { row, held, state: 'waiting', work: Promise.resolve() };
    const line = this.#lines.get(row.resource_id);
    if (line) line.push(place);
    else this.#lines.set(row.resource_id, [place]);
    this.#ids.add(row.id);
    this.performer.hold(row.id);
    this.goOn(row.resource_id);
  }

  /**
   * Hands over what was performed, together, once those which were handed over before are settled;
   * and performs the next one, if it is its turn.
   */
  goOn(resource: string): void {
    const line = this.#lines.get(resource);
    if (!line) return;
    const waiting = line.findIndex(({ state }) => state === 'waiting');
    const before = waiting < 0 ? line : line.slice(0, waiting);
    const isReady = before.every(({ state, hasFailed }) => state !== 'performing' && !hasFailed);
    if (waiting >= 0 && isReady) this.begin(line, waiting);
    if (line.some(({ state }) => state === 'handed over')) return;
    for (const place of before) {
      if (place.state === 'performing') break;
      place.state = 'handed over';
      this.follow.performed(place.row, place.held);
    }
  }

  /** It is settled. Who stands behind it has its turn with {@link goOn}. */
  leave(held: Held): void {
    const resource = held.entry[1];
    const place = this.#lines.get(resource)?.find((each) => each.held === held);
    if (place) this.remove(resource, [place]);
  }

  /**
   * Clears the line of a resource, the first of which has failed: nobody performs there any more
   * when it resolves.
   *
   * @returns the ids of those which stood behind it; their tickets are its own now
   */
  async cut(first: Held): Promise<string[]> {
    const line = this.remove(first.entry[1]);
    const behind = line.filter(({ held }) => held !== first);
    for (const { held } of behind) {
      delete held.performed;
      held.isVoid = true;
      handOver(held, first);
    }
    await Promise.all(line.map(({ work }) => work));
    return behind.map(({ row }) => row.id);
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

  private remove(resource: string, places = this.#lines.get(resource) ?? []): Place[] {
    const left = this.#lines.get(resource)?.filter((place) => !places.includes(place)) ?? [];
    if (left.length > 0) this.#lines.set(resource, left);
    else this.#lines.delete(resource);
    for (const { row, state } of places) {
      this.#ids.delete(row.id);
      if (state === 'performing') this.performer.callOff(row.id, 'what stands before it is tried again');
      this.performer.release(row.id);
    }
    return places;
  }

  private begin(line: readonly Place[], index: number): void {
    const next = line[index]!;
    if (this.performer.holds(next.row.id)) next.work = this.perform(next);
    else for (const { held } of this.remove(next.row.resource_id, line.slice(index))) this.follow.lapsed(held);
  }

  private async perform(place: Place): Promise<void> {
    const { row, held } = place;
    place.state = 'performing';
    try {
      const result = await this.performer.perform(row, row.attempts + 1);
      if (!this.isIn(place)) return;
      held.performed = { result };
      place.state = 'performed';
    } catch (error) {
      if (!this.isIn(place)) return;
      const failure = error instanceof HandlerError ? error : new HandlerError([row], error);
      place.state = 'performed';
      place.hasFailed = true;
      if (this.#lines.get(row.resource_id)![0] === place) return this.follow.failed(failure, held);
      // Those before it have their end first.
      held.performed = { result: failure };
    }
    this.goOn(row.resource_id);
  }

  private isIn(place: Place): boolean {
    return this.#lines.get(place.row.resource_id)?.includes(place) ?? false;
  }
}
