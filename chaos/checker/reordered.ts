import type { Submit } from '../history/history.ts';
import { keyOf, type Evidence } from './evidence.ts';
import type { Violation } from './violation.ts';

/** Ends that may overtake others on their resource. */
const MAY_OVERTAKE = new Set(['cancelled', 'expired']);

/** What an ear heard against the order of its channel, and what was applied against the order of a resource. */
export function findReordered(evidence: Evidence): Violation[] {
  return [...againstChannels(evidence), ...againstResources(evidence)];
}

/** A hole is no reordering while nothing comes to fill it: that is lost. */
function againstChannels({ hearingsByEar }: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const [ear, hearings] of hearingsByEar) {
    const highest = new Map<string, number>();
    const heard = new Set<string>();
    for (const { channel, offset, eventId, at } of hearings) {
      const before = highest.get(channel) ?? 0;
      // Heard once more: that is duplicated.
      if (offset <= before && !heard.has(eventId)) {
        found.push({ kind: 'reordered', what: `${ear.name} heard ${channel} ${offset} after ${before}`, at });
      }
      heard.add(eventId);
      highest.set(channel, Math.max(before, offset));
    }
  }
  return found;
}

interface Applied {
  submit: Submit;
  offset: number;
  seq: number;
}

/**
 * One submit after the other, with the 202 of one before the next is sent: so they must have been numbered
 * and applied. An action ends in the transaction that applies it, so the offsets of outcomes tell in which order.
 */
function againstResources({ ledger, submitsByKey, outcomesByAction }: Evidence): Violation[] {
  const applied = ledger.actions.flatMap((action): Applied[] => {
    const submit = submitsByKey.get(keyOf(action));
    const outcome = outcomesByAction.get(action.id)?.[0];
    if (submit?.end !== 'accepted' || !outcome || MAY_OVERTAKE.has(action.status)) return [];
    return [{ submit, offset: outcome.offset, seq: action.seq }];
  });
  const found: Violation[] = [];
  // One who asks is the only one to change a resource here; the channel of the outcomes is the owner's.
  for (const [resource, all] of Map.groupBy(applied, ({ submit }) => `${submit.owner} ${submit.resourceId}`)) {
    const inOrder = all.toSorted((a, b) => a.submit.startedAt - b.submit.startedAt);
    for (const [index, { submit, offset, seq }] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (!before || before.submit.endedAt! > submit.startedAt) continue;
      if (before.offset < offset && before.seq < seq) continue;
      const what = `${resource}: ${before.submit.key} was accepted before ${submit.key}, and applied after it`;
      found.push({ kind: 'reordered', what, at: submit.startedAt });
    }
  }
  return found;
}
