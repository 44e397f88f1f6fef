import type { TidingsClient } from '#client';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import { MemberEntry } from './member-entry.svelte.ts';

/** Most that are listed. */
const MOST = 500;

const VERBS = { add: 'addMember', remove: 'removeMember' } as const;

export interface MembersOptions {
  roomId: string;
  client: TidingsClient;
  activity: Activity;
}

/** Who is in a room, and who of them is here now. */
export class Members {
  entries: readonly MemberEntry[] = $state.raw([]);
  problem: PlainProblem | undefined = $state.raw();
  /** Undefined while it is not known. */
  present: ReadonlySet<string> | undefined = $state.raw();
  private readonly roomId: string;
  private readonly client: TidingsClient;
  private readonly activity: Activity;

  constructor({ roomId, client, activity }: MembersOptions) {
    this.roomId = roomId;
    this.client = client;
    this.activity = activity;
  }

  async load(): Promise<void> {
    try {
      const { data } = await this.client.rooms.members(this.roomId, { limit: MOST });
      const present = new Set(data.map(({ userId }) => userId));
      this.entries = this.entries.filter(({ userId, change }) => change || present.has(userId));
      for (const userId of present) this.added(userId);
      this.problem = undefined;
    } catch (error) {
      this.problem = inPlainWords(error);
    }
  }

  /** Asks who is here now. From then on it is told. */
  async lookAround(): Promise<void> {
    try {
      this.present = new Set(await this.client.room(this.roomId).presence());
    } catch {
      this.present = undefined;
    }
  }

  added(userId: string): void {
    this.entryOf(userId).isMember = true;
  }

  removed(userId: string): void {
    this.entries = this.entries.filter((entry) => entry.userId !== userId);
    this.left(userId);
  }

  joined(userId: string): void {
    if (this.present) this.present = new Set([...this.present, userId]);
  }

  left(userId: string): void {
    if (this.present) this.present = new Set([...this.present].filter((other) => other !== userId));
  }

  add(userId: string): Promise<void> {
    return this.submit(this.entryOf(userId), 'add');
  }

  remove(entry: MemberEntry): Promise<void> {
    return this.submit(entry, 'remove');
  }

  /** Forgets a change that was not made. */
  dismiss(entry: MemberEntry): void {
    entry.change = undefined;
    if (!entry.isMember) this.removed(entry.userId);
  }

  /** Outcomes may come before the answer to the submit: so both settle. */
  settle(): void {
    for (const entry of this.entries) {
      if (entry.change?.entry.status !== 'succeeded') continue;
      const { kind } = entry.change;
      entry.change = undefined;
      if (kind === 'remove') this.removed(entry.userId);
      else entry.isMember = true;
    }
  }

  private async submit(entry: MemberEntry, kind: 'add' | 'remove'): Promise<void> {
    const verb = VERBS[kind];
    entry.change = { kind, entry: new ActivityEntry(`rooms.${verb}`, entry.userId, true) };
    await this.activity.submit(entry.change.entry, () => this.client.rooms[verb](this.roomId, entry.userId));
    this.settle();
  }

  /** The one that there is, or a new one. */
  private entryOf(userId: string): MemberEntry {
    const known = this.entries.find((entry) => entry.userId === userId);
    if (known) return known;
    const entry = new MemberEntry(userId, false);
    this.entries = [...this.entries, entry].toSorted((a, b) => a.userId.localeCompare(b.userId));
    return entry;
  }
}
