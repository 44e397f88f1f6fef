import type { Action } from '#contracts';
import type { SubmittedAction } from '../resource-client.ts';

/** `submitting`: no answer yet. `pending`: accepted, without an outcome. `refused`: it was not accepted. */
export type ActionStep = 'idle' | 'submitting' | 'pending' | 'done' | 'refused';

export interface ActionState<View> {
  readonly step: ActionStep;
  /** From the 202 on; with its outcome once it is `done`. */
  readonly action: Action<View> | null;
  /** Why it was refused, or why no outcome can be had. */
  readonly error: unknown;
}

const IDLE: ActionState<never> = { step: 'idle', action: null, error: null };

/** One action after the other: only the latest is shown. */
export class ActionStore<View> {
  readonly #listeners = new Set<() => void>();
  #state: ActionState<View> = IDLE;
  #turn = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ActionState<View> => this.#state;

  readonly reset = (): void => {
    this.#turn += 1;
    this.set(IDLE);
  };

  /** @returns the action with its outcome; undefined when there is none, which {@link snapshot} explains */
  async run(submit: () => Promise<SubmittedAction<View>>): Promise<Action<View> | undefined> {
    const turn = (this.#turn += 1);
    const show = (state: ActionState<View>): void => {
      if (turn === this.#turn) this.set(state);
    };
    show({ step: 'submitting', action: null, error: null });
    let accepted: Action<View> | null = null;
    try {
      const { action, outcome } = await submit();
      accepted = action as Action<View>;
      show({ step: 'pending', action: accepted, error: null });
      const done = await outcome();
      show({ step: 'done', action: done, error: null });
      return done;
    } catch (error) {
      show({ step: accepted ? 'pending' : 'refused', action: accepted, error });
      return undefined;
    }
  }

  private set(state: ActionState<View>): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
