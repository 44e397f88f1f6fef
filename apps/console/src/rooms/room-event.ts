import type { Envelope } from '#contracts';

/** An event of a room, as the list of events shows it. */
export interface RoomEvent {
  offset: number;
  /** RFC 3339 */
  time: string;
  words: string;
  /** The text, the name or the user that it is about. */
  subject: string;
  isReplayed: boolean;
}

const WORDS: Readonly<Record<string, string>> = {
  'message.created': 'wrote',
  'message.edited': 'edited',
  'message.deleted': 'deleted',
  'room.created': 'created the room',
  'room.edited': 'Renamed to',
  'room.deleted': 'Room deleted',
  'room.memberAdded': 'came in',
  'room.memberRemoved': 'is out',
};

interface Data {
  author?: string;
  text?: string;
  name?: string;
  creator?: string;
  userId?: string;
}

/** @param gone the message that it deletes, if it is known */
export function roomEventOf({ type, offset, time, data, replayed }: Envelope, gone?: Data): RoomEvent {
  const about: Data = type === 'message.deleted' ? (gone ?? {}) : (data as Data);
  const who = about.author ?? about.userId ?? (type === 'room.created' ? about.creator : undefined);
  return {
    offset,
    time,
    words: [who, WORDS[type] ?? type].filter(Boolean).join(' '),
    subject: about.text ?? about.name ?? '',
    isReplayed: replayed === true,
  };
}
