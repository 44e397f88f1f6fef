import type { TidingsClient } from '#client';
import type { Action, Progress } from '#contracts';
import { ActivityEntry } from './activity-entry.svelte.ts';
import type { Hearing } from './hearing.ts';

/** What a submit gives, once it is accepted. */
export interface Accepted {
  action: Action;
  cancel(): Promise<unknown>;
  outcome(): Promise<Action>;
}

const KEPT = 50;

/** Everything that was submitted here or heard of, the newest first. */
export class Activity {
  entries: readonly ActivityEntry[] = $state.raw([]);
  private readonly onAnswer: (action: Action) => void;

  /** @param onAnswer gets the outcomes that no connection has told so far: the ledger was asked */
  constructor(onAnswer: (action: Action) => void) {
    this.onAnswer = onAnswer;
  }

  /** Submits, and follows the action. Never rejects: a refusal stands in the entry. */
  async submit(entry: ActivityEntry, send: () => Promise<Accepted>): Promise<void> {
    this.add(entry);
    try {
      const submitted = await send();
      const { action } = submitted;
      // The outcome may be here before the answer to the submit: then it stands for itself so far.
      const early = this.find(action.id);
      this.entries = this.entries.filter((other) => other !== early);
      entry.accepted(action, () => submitted.cancel());
      for (const hearing of early?.hearings ?? []) entry.heard(hearing);
      this.expect(entry, submitted.outcome());
    } catch (error) {
      entry.refused(error);
    }
  }

  /** Follows what the page had submitted before it was loaded anew. */
  goOn({ pending, actions }: TidingsClient): void {
    for (const unanswered of pending) {
      const { type, payload, resourceId, submittedAt, action } = unanswered;
      if (!action) continue;
      const label = labelOf(payload, resourceId ?? action.id);
      const entry = new ActivityEntry(type, label, true, Date.parse(submittedAt) - performance.timeOrigin);
      entry.follow(action, () => actions.cancel(action.id));
      this.add(entry);
      this.expect(entry, unanswered.outcome());
    }
  }

  heard(hearing: Hearing): ActivityEntry {
    const action = hearing.outcome.data;
    let entry = this.find(action.id);
    if (!entry) {
      entry = new ActivityEntry(action.type, labelOf(action.response, action.resource.id), false);
      entry.actionId = action.id;
      this.add(entry);
    }
    entry.heard(hearing);
    return entry;
  }

  progressed(progress: Progress): void {
    const entry = this.find(progress.actionId);
    if (!entry?.isOpen) return;
    entry.status = 'running';
    entry.progress = progress;
  }

  private expect(entry: ActivityEntry, outcome: Promise<Action>): void {
    outcome.then(
      (action) => {
        if (!entry.isOpen) return;
        entry.ended(action);
        this.onAnswer(action);
      },
      ({ code }: { code?: string }) => code === 'NOT_FOUND' && entry.lost(),
    );
  }

  private find(actionId: string): ActivityEntry | undefined {
    return this.entries.find((entry) => entry.actionId === actionId);
  }

  private add(entry: ActivityEntry): void {
    this.entries = [entry, ...this.entries].slice(0, KEPT);
  }
}

/** @param about what is asked for, or what came of it */
function labelOf(about: unknown, id: string): string {
  const { text, name } = (about ?? {}) as { text?: unknown; name?: unknown };
  const label = text ?? name;
  return typeof label === 'string' ? label : `${id.slice(0, 8)}…`;
}
