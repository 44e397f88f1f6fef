/** Events on `room:<id>` that change who is a member. */
export const ROOM_MEMBER_ADDED = 'room.memberAdded';
export const ROOM_MEMBER_REMOVED = 'room.memberRemoved';
export const ROOM_DELETED = 'room.deleted';

/** Data of `room.memberAdded` and `room.memberRemoved`. */
export interface RoomMembership {
  roomId: string;
  userId: string;
}

/** Whose membership ends: one user's, or everybody's. */
export type Eviction = { userId: string } | 'all';

/** Whose membership in the channel ends with this event: they get this one still, and nothing after it. */
export function evictionOf(event: { channel: string; type: string; data: unknown }): Eviction | undefined {
  if (!event.channel.startsWith('room:')) return undefined;
  if (event.type === ROOM_DELETED) return 'all';
  // Its data is read only where it is needed.
  return event.type === ROOM_MEMBER_REMOVED ? { userId: (event.data as RoomMembership).userId } : undefined;
}

/** Whether the eviction is of this user. */
export function isEvicted(eviction: Eviction | undefined, userId: string | undefined): boolean {
  return eviction === 'all' || (eviction !== undefined && eviction.userId === userId);
}
