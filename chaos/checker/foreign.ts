import type { Evidence } from './evidence.ts';
import type { Violation } from './violation.ts';

/** What an ear heard that was none of its business: a strange channel, or an outcome of somebody else's action. */
export function findForeign({ history, actions }: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const { ear, channel, offset, actionId, at } of history.hearings) {
    const owner = actions.get(actionId ?? '')?.owner;
    if (ear.floors.has(channel) && (owner === undefined || owner === ear.userId)) continue;
    const whose = owner === undefined ? '' : `, an outcome of ${owner}`;
    found.push({ kind: 'foreign', what: `${ear.name} heard ${channel} ${offset}${whose}`, at });
  }
  for (const { kind, what, at } of history.incidents) if (kind === 'foreign') found.push({ kind, what, at });
  return found;
}
