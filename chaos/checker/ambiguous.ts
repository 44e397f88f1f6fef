import { keyOf, type Evidence } from './evidence.ts';
import type { Violation } from './violation.ts';

/** A submit without an answer may have become an action or not; one that was answered in the end is the one that it named. */
export function findAmbiguous({ history, actionsByKey, outcomesByAction }: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const submit of history.submits) {
    const actions = actionsByKey.get(keyOf(submit)) ?? [];
    const { key, end, actionIds, startedAt: at } = submit;
    if (end === 'accepted' && !actions.some(({ id }) => id === actionIds[0])) {
      found.push({ kind: 'ambiguous', what: `${key} was accepted as ${actionIds[0]}, and the ledger has another`, at });
    }
    if (end === undefined) found.push({ kind: 'ambiguous', what: `${key} is still under way`, at });
    if (end === 'unanswered' && actions.some(({ id }) => outcomesByAction.get(id)?.length !== 1)) {
      found.push({ kind: 'ambiguous', what: `${key} had no answer, and its action has not one outcome`, at });
    }
  }
  return found;
}
