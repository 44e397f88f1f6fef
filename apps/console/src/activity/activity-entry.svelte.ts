import type { Action, ActionStatus, Progress } from '#contracts';
import { inShort } from '../in-short.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import type { Hearing } from './hearing.ts';

/**
 * An entry goes `sending` → `pending` → `running` → an outcome, or `sending` → `refused` when it
 * was not accepted. `lost`: it was, and the ledger does not know it any more.
 */
export type EntryStatus = 'sending' | 'refused' | 'lost' | ActionStatus;

let entries = 0;

/** Most of a label, in code points: it stands in one line, and is read out. */
const LONGEST = 80;

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
  private readonly sentAt: number;

  /** @param sentAt in milliseconds of the page's clock */
  constructor(type: string, label: string, own: boolean, sentAt = performance.now()) {
    this.type = type;
    this.label = inShort(label, LONGEST);
    this.own = own;
    this.sentAt = sentAt;
  }

  get isOpen(): boolean {
    return this.status === 'sending' || this.status === 'pending' || this.status === 'running';
  }

  /** From the submit to an arrival, in milliseconds; unknown for what was submitted elsewhere. */
  latencyOf({ at }: Hearing): number | undefined {
    return this.own ? at - this.sentAt : undefined;
  }

  /** Its 202 has come just now. */
  accepted(action: Action, cancel: () => Promise<unknown>): void {
    this.acceptedMs = performance.now() - this.sentAt;
    this.follow(action, cancel);
  }

  /** It is this action from now on. */
  follow(action: Action, cancel: () => Promise<unknown>): void {
    this.actionId = action.id;
    if (action.done) return this.ended(action);
    this.status = action.status;
    this.cancel = async () => {
      try {
        await cancel();
      } catch (error) {
        if (this.isOpen) this.problem = inPlainWords(error);
      }
    };
  }

  refused(error: unknown): void {
    this.status = 'refused';
    this.problem = inPlainWords(error);
  }

  lost(): void {
    this.status = 'lost';
    this.progress = undefined;
    this.cancel = undefined;
    this.problem = { code: 'UNKNOWN', words: 'What became of it is not known any more. See whether it was done.' };
  }

  heard(hearing: Hearing): void {
    this.hearings = [...this.hearings, hearing];
    this.ended(hearing.outcome.data);
  }

  ended({ status, attempts, error }: Action): void {
    this.status = status;
    this.attempts = attempts;
    this.progress = undefined;
    this.cancel = undefined;
    this.problem = error ? inPlainWords(error) : undefined;
  }
}
