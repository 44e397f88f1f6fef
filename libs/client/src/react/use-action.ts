import { useCallback, useState, useSyncExternalStore } from 'react';
import type { Action } from '#contracts';
import type { SubmittedAction } from '../resource-client.ts';
import { ActionStore, type ActionState } from './action-store.ts';
import { useLatest } from './use-latest.ts';

export type { ActionState, ActionStep } from './action-store.ts';

export interface ActionRun<Args extends unknown[], View> extends ActionState<View> {
  /** Submits; resolves with the outcome, and never rejects: `error` says why there is none. */
  readonly run: (...args: Args) => Promise<Action<View> | undefined>;
  /** Forgets the present one. It goes on all the same. */
  readonly reset: () => void;
}

/**
 * An action from the submit to its outcome, as state.
 *
 * @param submit e.g. `(text: string) => tidings.messages.create({ text })`
 */
export function useAction<Args extends unknown[], View>(
  submit: (...args: Args) => Promise<SubmittedAction<View>>,
): ActionRun<Args, View> {
  const [store] = useState(() => new ActionStore<View>());
  const latest = useLatest(submit);
  const state = useSyncExternalStore(store.subscribe, store.snapshot, store.snapshot);
  const run = useCallback((...args: Args) => store.run(() => latest.current(...args)), [store, latest]);
  return { ...state, run, reset: store.reset };
}
