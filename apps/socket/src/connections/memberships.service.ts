import { Injectable } from '@nestjs/common';
import { Batches } from '#channels';
import { Members, type Membership } from '#ledger';

/** Memberships for many askers: those who come back at once share queries. */
@Injectable()
export class Memberships {
  readonly #reads: Batches<{ channel: string; userId: string }, Membership | undefined>;

  constructor(members: Members) {
    this.#reads = new Batches((asked) => members.read(asked));
  }

  /** The membership of a user in a channel, with the position of the channel at that moment. */
  read(channel: string, userId: string): Promise<Membership | undefined> {
    return this.#reads.add({ channel, userId });
  }
}
