import pg from 'pg';
import { userChannel } from '#contracts';

/** What the ledger of a run looks like once it is quiet. */
export interface LedgerReport {
  /** How many actions have ended, by status. */
  ended: Record<string, number>;
  /** Everything that must not be, with how often it is and an example; empty: the ledger is consistent. */
  violations: string[];
}

/** What must give no row at all, by what a row would mean. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  'has no outcome yet': `
    select id::text as example from actions where status in ('pending', 'running') or finished_at is null`,

  'has not exactly one outcome event, or one of another status': `
    select a.id::text || ' ' || count(e.id) as example
    from actions a left join events e on e.action_id = a.id and e.data is null
    group by a.id, a.status
    having count(e.id) <> 1 or min(e.type) <> 'action.' || a.status`,

  'is the outcome of no action': `
    select e.id::text as example from events e left join actions a on a.id = e.action_id
    where e.type in ('action.succeeded', 'action.failed', 'action.cancelled', 'action.expired') and a.id is null`,

  'is a channel whose offsets are not 1 to its head, once each, or whose head is another event': `
    select coalesce(c.channel, e.channel) as example
    from channels c full join (
      select channel, count(*) as size, count(distinct "offset") as distinct_size, min("offset") as first,
        max("offset") as last, (array_agg(right(id::text, 12) order by "offset" desc))[1] as head_check
      from events group by channel
    ) e on e.channel = c.channel
    where (e.first, e.last, e.size, e.distinct_size, e.head_check)
      is distinct from (1::bigint, c.head, c.head, c.head, c.head_check)`,

  'is an offset that was given before an earlier one': `
    select channel || ' ' || "offset" as example from (
      select channel, "offset", created_at, lag(created_at) over (partition by channel order by "offset") as before
      from events
    ) e where created_at < before - interval '5 s'`,

  'is a drill that took effect without success, not once, or more than once': `
    select a.id::text || ' ' || a.status || ' ' || count(e.n) as example
    from actions a left join drill_effects e on e.action_id = a.id
    where a.type like 'drills.%'
    group by a.id, a.status
    having count(e.n) <> case when a.status = 'succeeded' then 1 else 0 end`,

  'is the effect of no action': `
    select e.action_id::text as example from drill_effects e left join actions a on a.id = e.action_id where a.id is null`,

  'took effect before an action that had been accepted earlier on its resource': `
    select id::text as example from (
      select a.id, a.seq, lag(a.seq) over (partition by e.drill_id order by e.n) as before
      from drill_effects e join actions a on a.id = e.action_id
    ) effects where before > seq`,
};

const UNFINISHED = `select count(*)::integer as unfinished from actions where status in ('pending', 'running')`;
const LATE = `
select id, type, resource_id, status, attempts, submitted_at, run_at, clock_timestamp() as now
from actions where status in ('pending', 'running') order by seq limit 3`;
const ENDED = `select status::text, count(*)::integer as size from actions group by status`;
const HEARD_ON = `
select distinct a.owner, e.channel from events e join actions a on a.id = e.action_id where e.data is null`;

/**
 * Reads a ledger directly, to judge what the system made of a run: nothing lost, doubled,
 * reordered or foreign. The order on a resource is compared with `seq`, so its actions must
 * not have been submitted by several apis at the same moment.
 */
export class LedgerCheck {
  readonly #pool: pg.Pool;

  constructor(url: string) {
    this.#pool = new pg.Pool({ connectionString: url, max: 2 });
    this.#pool.on('error', () => undefined);
  }

  async query<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pool.query(text, values)).rows as Row[];
  }

  async unfinished(): Promise<number> {
    const [row] = await this.query<{ unfinished: number }>(UNFINISHED);
    return row!.unfinished;
  }

  /**
   * Waits until every action has its outcome.
   *
   * @param everyMs how often to look, in milliseconds: it is some work for Postgres, too
   * @returns how long that took, in milliseconds
   * @throws {Error} with the number of those that have none, and the first of them, once the time is over
   */
  async settled(timeoutMs: number, everyMs = 25): Promise<number> {
    const startedAt = performance.now();
    for (;;) {
      const left = await this.unfinished();
      const tookMs = Math.round(performance.now() - startedAt);
      if (left === 0) return tookMs;
      if (tookMs > timeoutMs) {
        const late = JSON.stringify(await this.query(LATE), null, 2);
        throw new Error(`${left} actions have no outcome after ${timeoutMs} ms: ${late}`);
      }
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  /** Judges the ledger; it should be quiet. */
  async report(): Promise<LedgerReport> {
    const violations: string[] = [];
    for (const [meaning, text] of Object.entries(FORBIDDEN)) {
      const rows = await this.query<{ example: string }>(text);
      if (rows.length > 0) violations.push(`${rows.length} × ${meaning}: ${rows[0]!.example}`);
    }
    const heard = await this.query<{ owner: string; channel: string }>(HEARD_ON);
    const foreign = heard.filter(({ owner, channel }) => channel !== userChannel(owner));
    if (foreign.length > 0) violations.push(`${foreign.length} × was told to somebody else: ${foreign[0]!.channel}`);
    const ended = await this.query<{ status: string; size: number }>(ENDED);
    return { ended: Object.fromEntries(ended.map(({ status, size }) => [status, size])), violations };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
