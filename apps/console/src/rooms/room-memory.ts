/** What a tab keeps of a room, over reloads. Its position is kept by the client. */
export interface RoomNotes {
  /** Offset of the newest event that is counted: one may come again after a reload. */
  offset: number;
  /** Messages of others since the user has seen the room. */
  unread: number;
}

/** Notes on rooms, of one user in one tab. */
export class RoomMemory {
  private readonly key: string;

  constructor(userId: string) {
    this.key = `tidings.rooms.${userId}`;
  }

  read(roomId: string): RoomNotes {
    return { offset: 0, unread: 0, ...this.all()[roomId] };
  }

  write(roomId: string, notes: RoomNotes): void {
    this.save({ ...this.all(), [roomId]: notes });
  }

  forget(roomId: string): void {
    const { [roomId]: _, ...others } = this.all();
    this.save(others);
  }

  private all(): Record<string, RoomNotes> {
    try {
      return JSON.parse(sessionStorage.getItem(this.key) ?? '{}') as Record<string, RoomNotes>;
    } catch {
      return {};
    }
  }

  private save(notes: Record<string, RoomNotes>): void {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(notes));
    } catch {
      // Full or forbidden: after a reload nothing counts as unread.
    }
  }
}
