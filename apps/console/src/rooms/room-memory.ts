/** What a tab keeps of a room, over reloads. */
export interface RoomPosition {
  cursor: string;
  /** Offset of the newest event that is known of. */
  offset: number;
  /** Offset up to which the user has seen the room. */
  seen: number;
  /** Messages of others beyond that. */
  unread: number;
}

/** Positions in rooms, of one user in one tab. */
export class RoomMemory {
  private readonly key: string;

  constructor(userId: string) {
    this.key = `tidings.rooms.${userId}`;
  }

  read(roomId: string): RoomPosition | undefined {
    return this.all()[roomId];
  }

  write(roomId: string, position: RoomPosition): void {
    this.save({ ...this.all(), [roomId]: position });
  }

  forget(roomId: string): void {
    const { [roomId]: _, ...others } = this.all();
    this.save(others);
  }

  private all(): Record<string, RoomPosition> {
    try {
      return JSON.parse(sessionStorage.getItem(this.key) ?? '{}') as Record<string, RoomPosition>;
    } catch {
      return {};
    }
  }

  private save(positions: Record<string, RoomPosition>): void {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(positions));
    } catch {
      // Full or forbidden: after a reload the rooms begin at the present.
    }
  }
}
