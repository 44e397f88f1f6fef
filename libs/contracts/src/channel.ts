/**
 * Names of channels. A channel is an ordered, durable sequence of events:
 * `user:<id>`, `room:<id>`, `authenticated`, `everyone`.
 *
 * Ids are percent-encoded in names (RFC 3986), so that no `sub` of a token can
 * name another user's channel or hold a character that Redis treats specially.
 */
export const EVERYONE = 'everyone';
export const AUTHENTICATED = 'authenticated';

export type ChannelName = string;

/** The channel on which a user hears the outcomes of their own actions. */
export function userChannel(userId: string): ChannelName {
  return `user:${encodeURIComponent(userId)}`;
}

/** Whether the channel is a room's: only those are subscribed to by command. */
export function isRoomChannel(channel: ChannelName): boolean {
  return channel.startsWith('room:');
}

/** The channel of a room, whose id is a UUID, in either case (RFC 9562). */
export function roomChannel(roomId: string): ChannelName {
  return `room:${encodeURIComponent(roomId.toLowerCase())}`;
}
