import { keyOf, type Evidence } from './evidence.ts';
import type { Violation } from './violation.ts';

/** Events that the ledger does not have, or has otherwise, and actions that nobody asked for, or that were refused. */
export function findPhantom({ history, ledger, eventsByChannel, actions, submitsByKey }: Evidence): Violation[] {
  const found: Violation[] = [];
  for (const { ear, channel, offset, eventId, type, actionId, at } of history.hearings) {
    const event = eventsByChannel.get(channel)?.[offset - 1];
    const isKnown = event?.id === eventId && event.type === type;
    // An outcome tells of its own action, and of no other.
    const isOfAction = actionId === undefined || (event?.actionId === actionId && actions.has(actionId));
    if (isKnown && isOfAction) continue;
    const what = `${ear.name} heard ${channel} ${offset}, ${type} ${eventId} of ${actionId ?? 'no action'}, which the ledger does not have`;
    found.push({ kind: 'phantom', what, at });
  }
  for (const action of ledger.actions) {
    const submit = submitsByKey.get(keyOf(action));
    if (submit && submit.end !== 'refused') continue;
    const why = submit ? `was refused (${submit.refusal})` : 'was asked for by nobody';
    found.push({ kind: 'phantom', what: `action ${action.id} of ${action.owner} ${why}`, at: submit?.startedAt ?? 0 });
  }
  return found;
}
