import { isOutcomeStatus, userChannel } from '#contracts';
import type { Ear, Hearing, History, LedgerAction, LedgerContent, LedgerEvent, Submit } from '../history/history.ts';

/** The history of a run and the ledger at its end, by what the judges look for. */
export interface Evidence {
  history: History;
  ledger: LedgerContent;
  actions: Map<string, LedgerAction>;
  actionsByKey: Map<string, LedgerAction[]>;
  eventsByChannel: Map<string, LedgerEvent[]>;
  outcomesByAction: Map<string, LedgerEvent[]>;
  submitsByKey: Map<string, Submit>;
  hearingsByEar: Map<Ear, Hearing[]>;
  /** When an action was asked for. */
  startedAt: (actionId: string | null | undefined) => number | undefined;
}

const OUTCOME_TYPE = /^action\.(\w+)$/;

export function isOutcome({ type }: { type: string }): boolean {
  const status = OUTCOME_TYPE.exec(type)?.[1];
  return status !== undefined && isOutcomeStatus(status as LedgerAction['status']);
}

/** Keys are an owner's own. */
export function keyOf({ owner, key }: { owner: string; key: string | null }): string {
  return `${userChannel(owner)} ${key}`;
}

export function gather(history: History, ledger: LedgerContent): Evidence {
  const actions = new Map(ledger.actions.map((action) => [action.id, action]));
  const submitsByKey = new Map(history.submits.map((submit) => [keyOf(submit), submit]));
  return {
    history,
    ledger,
    actions,
    actionsByKey: Map.groupBy(ledger.actions, keyOf),
    eventsByChannel: Map.groupBy(ledger.events, ({ channel }) => channel),
    outcomesByAction: Map.groupBy(ledger.events.filter(isOutcome), ({ actionId }) => actionId ?? ''),
    submitsByKey,
    hearingsByEar: Map.groupBy(history.hearings, ({ ear }) => ear),
    startedAt: (actionId) => {
      const action = actions.get(actionId ?? '');
      return action && submitsByKey.get(keyOf(action))?.startedAt;
    },
  };
}
