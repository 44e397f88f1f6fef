import { Injectable } from '@nestjs/common';
import type { Cursor } from '#contracts';
import { Database } from '#database';
import { readMembersStatement } from './statements/members.ts';

/** That a user may hear a channel. */
export interface Membership {
  /** The newest position of the channel when the membership was read. */
  position: Cursor;
  /** Where the membership began: nothing up to here is the user's to hear. */
  floor: Cursor;
}

/** Who may hear which channel. It changes with the events that say so, in their transaction. */
@Injectable()
export class Members {
  constructor(private readonly database: Database) {}

  /** The membership of each, in the order given; nothing where there is none. */
  async read(asked: readonly { channel: string; userId: string }[]): Promise<(Membership | undefined)[]> {
    const rows = new Map((await readMembersStatement(this.database, asked)).map((row) => [row.n, row]));
    return asked.map(({ channel }, index) => {
      const row = rows.get(index + 1);
      return (
        row && {
          position: { channel, offset: row.head, check: row.check },
          floor: { channel, offset: row.since, check: row.since_check },
        }
      );
    });
  }
}
