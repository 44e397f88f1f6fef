import type { Message } from '#client';
import type { ActivityEntry } from '../activity/activity-entry.svelte.ts';

/** A change that is not confirmed yet, or was not made: then its entry says why. */
export interface Change {
  kind: 'create' | 'edit' | 'delete';
  /** The text as it shall be; for a delete as it is. */
  text: string;
  entry: ActivityEntry;
}

/** What is written in the editor of a message. */
export interface Editing {
  text: string;
  /** Of the message when it was opened: a change by somebody else must not be overwritten unseen. */
  readonly version: number;
}

/** One message of the list, with the change that is under way. */
export class MessageEntry {
  message: Message = $state.raw(undefined!);
  change: Change | undefined = $state.raw();
  /** What of it came by a replay that the user has not dismissed yet. */
  replayed: 'created' | 'edited' | 'deleted' | undefined = $state();

  /** There while its editor is open. */
  editing: Editing | undefined = $state();
  /** Whether it was deleted, and stays for what is written in its editor. */
  isGone = $state(false);

  constructor(message: Message) {
    this.message = message;
  }

  get isBuried(): boolean {
    return this.replayed === 'deleted';
  }

  get isBusy(): boolean {
    return this.change?.entry.isOpen === true;
  }

  /** What to show: the text as it will be while the change is under way. */
  get text(): string {
    return this.isBusy || this.change?.kind === 'create' ? this.change!.text : this.message.text;
  }

  /**
   * Takes a newer state; what is older comes from a replay.
   *
   * @returns whether it is newer
   */
  update(message: Message): boolean {
    const isNewer = message.version > this.message.version;
    if (isNewer) this.message = message;
    return isNewer;
  }
}
