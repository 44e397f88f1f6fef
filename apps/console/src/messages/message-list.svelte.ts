import type { Message } from '#client';
import { MessageEntry } from './message-entry.svelte.ts';

/**
 * Messages, the newest first, put together from pages of the api and from outcomes. Both may be
 * late or come twice: the version decides, and what was deleted stays so.
 */
export class MessageList {
  entries: readonly MessageEntry[] = $state.raw([]);
  private readonly deleted = new Set<string>();

  find(id: string): MessageEntry | undefined {
    return this.entries.find(({ message }) => message.id === id);
  }

  add(entry: MessageEntry): void {
    this.entries = [...this.entries, entry].toSorted(newestFirst);
  }

  remove(entry: MessageEntry): void {
    this.entries = this.entries.filter((other) => other !== entry);
  }

  /** Takes in a state of a message, unless a newer one is known. */
  take(message: Message): void {
    if (this.deleted.has(message.id)) return;
    const known = this.find(message.id);
    if (known) known.update(message);
    else this.add(new MessageEntry(message));
  }

  /** Takes in that a message is no more. */
  drop(id: string): void {
    this.deleted.add(id);
    const known = this.find(id);
    if (known) this.remove(known);
  }

  /**
   * Takes in the newest page.
   *
   * @param before the entries when it was asked for: of those, what it should have and has not is gone
   * @param isWhole there are no older ones
   */
  takeNewest(page: readonly Message[], before: readonly MessageEntry[], isWhole: boolean): void {
    const oldest = isWhole ? '' : (page.at(-1)?.createdAt ?? '');
    const present = new Set(page.map(({ id }) => id));
    const isGone = ({ message, change }: MessageEntry): boolean =>
      !change && message.createdAt > oldest && !present.has(message.id);
    const gone = new Set(before.filter(isGone));
    this.entries = this.entries.filter((entry) => !gone.has(entry));
    for (const message of page) this.take(message);
  }
}

function newestFirst({ message: a }: MessageEntry, { message: b }: MessageEntry): number {
  return b.createdAt.localeCompare(a.createdAt);
}
