import type { Ear } from '../history/history.ts';
import type { Evidence } from './evidence.ts';
import type { Violation } from './violation.ts';

/** Accepted actions without an outcome, and events that an ear had to hear and did not. */
export function findLost(evidence: Evidence): Violation[] {
  const { history, outcomesByAction } = evidence;
  const found: Violation[] = [];
  for (const { end, endedAt, actionIds, key } of history.submits) {
    if (end !== 'accepted') continue;
    for (const id of actionIds) {
      if (outcomesByAction.has(id)) continue;
      found.push({ kind: 'lost', what: `action ${id} (${key}) was accepted and has no outcome`, at: endedAt! });
    }
  }
  for (const ear of history.ears) found.push(...unheard(evidence, ear));
  for (const { kind, what, at } of history.incidents) if (kind === 'lost') found.push({ kind, what, at });
  return found;
}

function unheard({ eventsByChannel, hearingsByEar, startedAt }: Evidence, ear: Ear): Violation[] {
  const heard = new Set((hearingsByEar.get(ear) ?? []).map(({ eventId }) => eventId));
  return [...ear.floors].flatMap(([channel, floor]) =>
    (eventsByChannel.get(channel) ?? [])
      .filter(({ offset, id }) => offset > floor && !heard.has(id))
      .map(({ offset, type, actionId }) => ({
        kind: 'lost' as const,
        what: `${ear.name} did not hear ${channel} ${offset}, ${type} of ${actionId ?? 'no action'}`,
        at: startedAt(actionId) ?? 0,
      })),
  );
}
