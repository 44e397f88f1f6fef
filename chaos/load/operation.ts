import { randomUUID } from 'node:crypto';
import { integer, pick, type Random } from '../schedule/random.ts';

/** One action to ask for. */
export interface Operation {
  resource: 'messages' | 'drills' | 'rooms';
  verb: 'create' | 'edit' | 'delete' | 'addMember';
  id: string;
  payload: object;
}

export function typeOf({ resource, verb }: Operation): string {
  return `${resource}.${verb}`;
}

/** Most changes of a resource before the next one. */
const MOST_EDITS = 5;

/** Share of the drills that do something outside of a transaction, and for how long at most, in milliseconds. */
const PERFORMING = 0.15;
const PERFORM_MS = 60;

/** Share of the drills that fail at first, every other one of them outside of its transaction. */
const FAILING = 0.06;

/**
 * What becomes of one resource: made, changed some times, deleted perhaps. To be asked for one after the other.
 *
 * @param roomIds rooms into which its messages may go
 */
export function lifeOfResource(random: Random, roomIds: readonly string[]): Operation[] {
  const resource = random() < 0.45 ? 'drills' : 'messages';
  const roomId = resource === 'messages' && roomIds.length > 0 && random() < 0.4 ? pick(random, roomIds) : undefined;
  const id = randomUUID();
  const edits = integer(random, 0, MOST_EDITS + 1);
  const step = (verb: Operation['verb'], number: number): Operation => ({
    ...{ resource, verb, id },
    payload:
      resource === 'drills' ? drillPayload(random) : { text: `step ${number}`, ...(verb === 'create' && { roomId }) },
  });
  const life = [step('create', 0), ...Array.from({ length: edits }, (_, index) => step('edit', index + 1))];
  return random() < 0.3 ? [...life, step('delete', edits + 1)] : life;
}

function drillPayload(random: Random): object {
  return {
    ...(random() < PERFORMING && { performMs: integer(random, 1, PERFORM_MS) }),
    ...(random() < FAILING && { fault: 'throw', faultyAttempts: 1, inPerform: random() < 0.5 }),
  };
}
