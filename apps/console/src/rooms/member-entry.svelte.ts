import type { ActivityEntry } from '../activity/activity-entry.svelte.ts';

/** A member of a room, or somebody who shall be one, with the addition or removal that is under way. */
export class MemberEntry {
  readonly userId: string;
  isMember = $state(false);
  /** What is not confirmed yet, or was not made. */
  change: { kind: 'add' | 'remove'; entry: ActivityEntry } | undefined = $state.raw();

  constructor(userId: string, isMember: boolean) {
    this.userId = userId;
    this.isMember = isMember;
  }

  get isBusy(): boolean {
    return this.change?.entry.isOpen === true;
  }
}
