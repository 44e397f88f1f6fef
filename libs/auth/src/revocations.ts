import { setTimeout as after } from 'node:timers/promises';
import { Injectable, Logger, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Database } from '#database';
import type { Identity } from './identity.ts';

/** Time between two looks into the table, in milliseconds: so long a revocation takes at most. */
const LOOK_EVERY_MS = 1_000;

/** How old the last look may get, in milliseconds: timers stand still in a process that is frozen, as on AWS Lambda. */
const OLDEST_LOOK_MS = 5_000;

/** How long one that failed is not repeated on behalf of who waits, in milliseconds. */
const FAILED_PAUSE_MS = 1_000;

/** How long a look is waited for, in milliseconds: without Postgres, what is known has to do. */
const LONGEST_LOOK_MS = 2_000;

/** How far back each look reaches, so that a slow commit is not missed, in seconds. */
const OVERLAP_SECONDS = 30;

/** Most that one statement reads, which must not take long: who starts reads all that there ever were. */
const PAGE = 10_000;

type Kind = 'user' | 'token';

const REVOKE = `
insert into revocations (kind, subject, revoked_at) values ($1, $2, clock_timestamp())
on conflict (kind, subject) do update set revoked_at = excluded.revoked_at
returning kind, subject, revoked_at`;

const NEXT = `
select kind, subject, revoked_at, revoked_at::text as position from revocations
where revoked_at > $1::timestamptz - make_interval(secs => $2)
order by revoked_at
fetch first ${PAGE} rows with ties`;

interface Row {
  kind: Kind;
  subject: string;
  /** RFC 3339 */
  revoked_at: string;
}

interface NextRow extends Row {
  /** `revoked_at`, to the microsecond. */
  position: string;
}

/**
 * Which tokens are refused although they are valid. The table is the authority; every
 * instance keeps a copy and looks for news, so that it works without Redis too.
 */
@Injectable()
export class Revocations implements OnModuleInit, BeforeApplicationShutdown {
  /** Called when there are new ones; set by who holds open connections. */
  onRevoked: () => void = () => undefined;
  private readonly logger = new Logger(Revocations.name);
  readonly #revokedAt = new Map<string, number>();
  /** Up to where the table is read. */
  #position = '1970-01-01 00:00:00+00';
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<boolean> | undefined;
  /** When the last looks ended, as `Date.now()` says: a clock that a freeze does not stop. */
  #lookedAt = 0;
  #failedAt = 0;

  constructor(private readonly database: Database) {}

  /** Nobody gets in before what was revoked earlier is known, however long that takes, unless Postgres stops telling it. */
  async onModuleInit(): Promise<void> {
    const reading = this.lookTwice();
    for (let known = -1; this.#lookedAt === 0 && this.#revokedAt.size > known;) {
      known = this.#revokedAt.size;
      await Promise.race([reading, after(LONGEST_LOOK_MS, undefined, { ref: false })]);
    }
    this.schedule();
  }

  beforeApplicationShutdown(): void {
    clearTimeout(this.#timer);
  }

  /** Refuses the tokens of a user, or one token by its `jti`, that were issued until now. */
  async revoke(kind: Kind, subject: string): Promise<string> {
    const [row] = await this.database.query<Row>(REVOKE, [kind, subject]);
    this.learn([row!]);
    return row!.revoked_at;
  }

  /** Looks for news where the last look is too old; at once otherwise, which is nearly always. */
  async refresh(): Promise<void> {
    const now = Date.now();
    if (now - this.#lookedAt < OLDEST_LOOK_MS || now - this.#failedAt < FAILED_PAUSE_MS) return;
    await Promise.race([this.lookTwice(), after(LONGEST_LOOK_MS, undefined, { ref: false })]);
    // One that hangs has failed, for those who come next: they do not wait as long again, each.
    if (Date.now() - this.#lookedAt >= OLDEST_LOOK_MS) this.#failedAt = Date.now();
  }

  /** The connection of one that was frozen has mostly ended meanwhile: that is seen when it is used. */
  private async lookTwice(): Promise<void> {
    if (!(await this.look())) await this.look();
  }

  isRevoked({ userId, tokenId, issuedAt }: Identity): boolean {
    if (this.#revokedAt.size === 0) return false;
    if (this.isBeforeRevocation(`user ${userId}`, issuedAt)) return true;
    return tokenId !== undefined && this.isBeforeRevocation(`token ${tokenId}`, issuedAt);
  }

  private isBeforeRevocation(key: string, issuedAt: number): boolean {
    const revokedAt = this.#revokedAt.get(key);
    // `iat` has whole seconds: a token of the same second counts as issued before.
    return revokedAt !== undefined && Math.floor(issuedAt) <= Math.floor(revokedAt / 1000);
  }

  private schedule(): void {
    this.#timer = setTimeout(() => void this.look().finally(() => this.schedule()), LOOK_EVERY_MS).unref();
  }

  /** One look at a time; whether it succeeded. */
  private look(): Promise<boolean> {
    this.#looking ??= this.readNews().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  private async readNews(): Promise<boolean> {
    try {
      let overlapSeconds = OVERLAP_SECONDS;
      while ((await this.readPage(overlapSeconds)) >= PAGE) overlapSeconds = 0;
      this.#lookedAt = Date.now();
      return true;
    } catch (error) {
      this.logger.debug(`could not look for revocations: ${String(error)}`);
      this.#failedAt = Date.now();
      return false;
    }
  }

  /** @returns how many there were */
  private async readPage(overlapSeconds: number): Promise<number> {
    const rows = await this.database.query<NextRow>(NEXT, [this.#position, overlapSeconds]);
    this.learn(rows);
    this.#position = rows.at(-1)?.position ?? this.#position;
    return rows.length;
  }

  private learn(rows: readonly Row[]): void {
    let isNews = false;
    for (const { kind, subject, revoked_at } of rows) {
      const [key, revokedAt] = [`${kind} ${subject}`, Date.parse(revoked_at)];
      if (this.#revokedAt.get(key) === revokedAt) continue;
      this.#revokedAt.set(key, revokedAt);
      isNews = true;
    }
    if (isNews) this.onRevoked();
  }
}
