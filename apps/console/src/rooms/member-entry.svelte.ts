import type { ActivityEntry } from '../activity/activity-entry.svelte.ts';

/** A member of a room, with the addition or removal that is under way. */
export class MemberEntry {
  readonly userId: string;
  /** What is not confirmed yet, or was not made. */
  change: { kind: 'add' | 'remove'; entry: ActivityEntry } | undefined = $state.raw();

  constructor(userId: string) {
    this.userId = userId;
  }

  get isBusy(): boolean {
    return this.change?.entry.isOpen === true;
  }
}
