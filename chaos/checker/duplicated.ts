import type { Evidence } from './evidence.ts';
import type { Violation } from './violation.ts';

/** What an ear heard twice, actions with two outcomes, and requests that became two actions. */
export function findDuplicated({
  history,
  hearingsByEar,
  outcomesByAction,
  actionsByKey,
  startedAt,
}: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const [ear, hearings] of hearingsByEar) {
    const seen = new Set<string>();
    for (const { eventId, actionId, channel, offset, at } of hearings) {
      // By the event and by the action: neither may come again, under whatever other name.
      const names = [eventId, ...(actionId === undefined ? [] : [actionId])];
      if (names.some((name) => seen.has(name))) {
        found.push({
          kind: 'duplicated',
          what: `${ear.name} heard ${channel} ${offset} (${actionId ?? eventId}) again`,
          at,
        });
      }
      for (const name of names) seen.add(name);
    }
  }
  for (const [id, outcomes] of outcomesByAction) {
    if (outcomes.length > 1) {
      found.push({ kind: 'duplicated', what: `action ${id} has ${outcomes.length} outcomes`, at: startedAt(id) ?? 0 });
    }
  }
  for (const { key, actionIds, startedAt: at } of history.submits) {
    if (actionIds.length > 1) {
      found.push({ kind: 'duplicated', what: `${key} was answered with ${actionIds.join(' and ')}`, at });
    }
  }
  for (const [key, actions] of actionsByKey) {
    if (actions.length > 1 && actions[0]!.key !== null) {
      found.push({
        kind: 'duplicated',
        what: `${key} made ${actions.length} actions`,
        at: startedAt(actions[0]!.id) ?? 0,
      });
    }
  }
  return found;
}
