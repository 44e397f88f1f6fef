/** Fields of a new message. */
export interface CreateMessage {
  /** 1 to 4000 code points. */
  text: string;
}

/** What can be changed of a message. */
export interface EditMessage {
  /** 1 to 4000 code points. */
  text: string;
}

export interface Message {
  id: string;
  text: string;
  version: number;
  /** RFC 3339, UTC, milliseconds. */
  createdAt: string;
  /** RFC 3339, UTC, milliseconds. */
  updatedAt: string;
}
