import { Injectable } from '@nestjs/common';
import { userChannel, type Cursor } from '#contracts';
import { Database } from '#database';

/*
 * Monotonic, and clamped to what exists: a late or a forged cursor moves nothing back and
 * nothing beyond the newest event.
 */
const NOTE = `
insert into deliveries as d (user_id, channel, "offset")
select $1, c.channel, least($3, c.head) from channels c where c.channel = $2
on conflict (user_id, channel) do update set "offset" = excluded."offset"
where d."offset" < excluded."offset"`;

const UNREAD = `
select c.head - coalesce(d."offset", 0) as unread
from channels c left join deliveries d on d.user_id = $1 and d.channel = c.channel
where c.channel = $2`;

/** Up to where users have handled their channels. */
@Injectable()
export class Deliveries {
  constructor(private readonly database: Database) {}

  /** The user has handled the channel up to here. */
  async note(userId: string, { channel, offset }: Cursor): Promise<void> {
    await this.database.query(NOTE, [userId, channel, offset]);
  }

  /** How many events of their own channel a user has not handled. */
  async unread(userId: string): Promise<number> {
    const [row] = await this.database.query<{ unread: number }>(UNREAD, [userId, userChannel(userId)]);
    return row?.unread ?? 0;
  }
}
