import type { Action, ActionStatus, Progress } from '#contracts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import type { Hearing } from './hearing.ts';

/**
 * An entry goes `sending` → `pending` → `running` → an outcome, or `sending` → `refused` when it
 * was not accepted.
 */
export type EntryStatus = 'sending' | 'refused' | ActionStatus;

let entries = 0;

/** One action, from the submit to its outcome on every connection. */
export class ActivityEntry {
  readonly key = (entries += 1);
  readonly type: string;
  readonly label: string;
  /** Whether this page submitted it. */
  readonly own: boolean;
  status: EntryStatus = $state('sending');
  actionId: string | undefined = $state();
  /** From the submit to the 202, in milliseconds. */
  acceptedMs: number | undefined = $state();
  hearings: readonly Hearing[] = $state.raw([]);
  attempts = $state(0);
  progress: Progress | undefined = $state.raw();
  problem: PlainProblem | undefined = $state.raw();
  cancel: (() => Promise<unknown>) | undefined = $state.raw();
  private readonly sentAt = performance.now();

  constructor(type: string, label: string, own: boolean) {
    this.type = type;
    this.label = label;
    this.own = own;
  }

  get isOpen(): boolean {
    return this.status === 'sending' || this.status === 'pending' || this.status === 'running';
  }

  /** From the submit to an arrival, in milliseconds; unknown for what was submitted elsewhere. */
  latencyOf({ at }: Hearing): number | undefined {
    return this.own ? at - this.sentAt : undefined;
  }

  accepted(action: Action): void {
    this.acceptedMs = performance.now() - this.sentAt;
    this.actionId = action.id;
    if (action.done) this.ended(action);
    else this.status = action.status;
  }

  refused(error: unknown): void {
    this.status = 'refused';
    this.problem = inPlainWords(error);
  }

  heard(hearing: Hearing): void {
    this.hearings = [...this.hearings, hearing];
    this.ended(hearing.outcome.data);
  }

  private ended({ status, attempts, error }: Action): void {
    this.status = status;
    this.attempts = attempts;
    this.progress = undefined;
    this.cancel = undefined;
    if (error) this.problem = inPlainWords(error);
  }
}
