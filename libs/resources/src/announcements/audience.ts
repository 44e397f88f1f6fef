import { AUTHENTICATED, EVERYONE, isUserId, roomChannel, userChannel, type ChannelName } from '#contracts';

/** Who hears an announcement. */
export type Audience =
  | { kind: typeof EVERYONE | typeof AUTHENTICATED }
  /** `id` is the `sub` of the user's token. */
  | { kind: 'user'; id: string }
  | { kind: 'room'; id: string };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The audience that a text names: `everyone`, `authenticated`, `user:<id>` or `room:<id>`; undefined when none. */
export function parseAudience(text: string): Audience | undefined {
  if (text === EVERYONE || text === AUTHENTICATED) return { kind: text };
  const [, kind, id = ''] = /^(user|room):(.+)$/su.exec(text) ?? [];
  if (kind === 'user') return isUserId(id) ? { kind, id } : undefined;
  if (kind === 'room') return UUID.test(id) ? { kind, id: id.toLowerCase() } : undefined;
  return undefined;
}

/** The channel on which an audience hears. */
export function channelOf(audience: Audience): ChannelName {
  if (audience.kind === 'user') return userChannel(audience.id);
  return audience.kind === 'room' ? roomChannel(audience.id) : audience.kind;
}
