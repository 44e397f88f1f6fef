import type { Action } from '#contracts';
import { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Activity } from '../activity/activity.svelte.ts';
import type { Api } from '../api/api.ts';
import { MemberEntry } from './member-entry.svelte.ts';

/** Most that are listed. */
const MOST = 500;

const ORDERS = {
  add: ['rooms.addMember', 'PUT'],
  remove: ['rooms.removeMember', 'DELETE'],
} as const;

/** Who is in a room, and who of them is here now. */
export class Members {
  entries: readonly MemberEntry[] = $state.raw([]);
  /** Undefined while it is not known. */
  present: ReadonlySet<string> | undefined = $state.raw();
  private readonly roomId: string;
  private readonly api: Api;
  private readonly activity: Activity;

  constructor(roomId: string, api: Api, activity: Activity) {
    this.roomId = roomId;
    this.api = api;
    this.activity = activity;
  }

  /** @throws {TidingsError} */
  async load(): Promise<void> {
    const { data } = await this.api.call<{ data: { userId: string }[] }>('GET', `${this.path}?limit=${MOST}`);
    const known = new Map(this.entries.map((entry) => [entry.userId, entry]));
    const unsettled = this.entries.filter(
      (entry) => entry.change && !data.some(({ userId }) => userId === entry.userId),
    );
    this.entries = sorted([...data.map(({ userId }) => known.get(userId) ?? new MemberEntry(userId)), ...unsettled]);
  }

  added(userId: string): void {
    const known = this.find(userId);
    if (!known) this.entries = sorted([...this.entries, new MemberEntry(userId)]);
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
    this.added(userId);
    return this.submit(this.find(userId)!, 'add');
  }

  remove(entry: MemberEntry): Promise<void> {
    return this.submit(entry, 'remove');
  }

  /** Forgets a change that was not made. */
  dismiss(entry: MemberEntry): void {
    if (entry.change?.kind === 'add') this.removed(entry.userId);
    entry.change = undefined;
  }

  /** Outcomes may come before the answer to the submit: so both settle. */
  settle(): void {
    for (const entry of this.entries) {
      if (entry.change?.entry.status !== 'succeeded') continue;
      const { kind } = entry.change;
      entry.change = undefined;
      if (kind === 'remove') this.removed(entry.userId);
    }
  }

  private async submit(entry: MemberEntry, kind: 'add' | 'remove'): Promise<void> {
    const [type, method] = ORDERS[kind];
    entry.change = { kind, entry: new ActivityEntry(type, entry.userId, true) };
    await this.activity.submit(entry.change.entry, async () => {
      const action = await this.api.call<Action>(method, `${this.path}/${encodeURIComponent(entry.userId)}`);
      return { action, cancel: () => this.api.call('DELETE', `/v1/actions/${action.id}`) };
    });
    this.settle();
  }

  private find(userId: string): MemberEntry | undefined {
    return this.entries.find((entry) => entry.userId === userId);
  }

  private get path(): string {
    return `/v1/rooms/${this.roomId}/members`;
  }
}

function sorted(entries: readonly MemberEntry[]): MemberEntry[] {
  return entries.toSorted((a, b) => a.userId.localeCompare(b.userId));
}
