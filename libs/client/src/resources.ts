/** Fields of a new message. */
export interface CreateMessage {
  /** 1 to 4000 code points. */
  text: string;
  /** The room it is written in; without one it is the author's own. */
  roomId?: string;
}

/** What can be changed of a message. */
export interface EditMessage {
  /** 1 to 4000 code points. */
  text: string;
}

export interface Message {
  id: string;
  author: string;
  roomId: string | null;
  text: string;
  version: number;
  /** RFC 3339, UTC, milliseconds. */
  createdAt: string;
  /** RFC 3339, UTC, milliseconds. */
  updatedAt: string;
}
