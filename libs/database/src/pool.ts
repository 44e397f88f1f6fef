import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import pg from 'pg';
import { getTypeParser } from './column-types.ts';

/** Most distinct statements that a connection keeps prepared; further ones run unprepared. */
const MOST_PREPARED = 500;

const names = new Map<string, string>();

function nameOf(text: string): string | undefined {
  let name = names.get(text);
  if (name === undefined && names.size < MOST_PREPARED) {
    name = `s_${createHash('sha1').update(text).digest('base64url').slice(0, 20)}`;
    names.set(text, name);
  }
  return name;
}

/** The statement as pg takes it: with a name when it has parameters, unless it is among those that have none. */
function prepared(text: unknown, values: unknown, nameless: ReadonlySet<string>): unknown {
  if (typeof text !== 'string' || !Array.isArray(values) || values.length === 0) return text;
  const name = nameless.has(text) ? undefined : nameOf(text);
  return name === undefined ? { text, values } : { name, text, values };
}

/**
 * Prepares every statement that has parameters: our statements are few and of fixed text,
 * planning them is what costs.
 */
class PreparingClient extends pg.Client {
  /** Why the server ended the connection while it was asked for nothing. */
  #end: Error | undefined;
  #gathers = false;
  /** Texts that are not prepared here any more. */
  readonly #nameless = new Set<string>();
  /** Something was asked that is not answered. */
  #waits = false;

  constructor(config?: pg.ClientConfig) {
    super(config);
    this.on('error', (error) => (this.#end ??= error));
    this.on('drain', () => (this.#waits = false));
  }

  /**
   * Ends the connection when an answer takes longer than that, in milliseconds: nobody is there
   * any more. One timer for it all; pg's own, one for each query, keeps what queries hold alive
   * for so long that collecting it costs a tenth of the CPU time.
   */
  limitSilence(atMostMs: number): void {
    const { stream } = this;
    stream.setTimeout(atMostMs);
    // Not as the callback of `setTimeout`, which is called once: connections are idle, too.
    stream.on('timeout', () => {
      if (this.#waits) stream.destroy();
    });
  }

  private get stream(): Socket {
    return (this as unknown as { connection: { stream: Socket } }).connection.stream;
  }

  /**
   * pg types this method by a dozen overloads; ours are (text), (text, values), and a pool's
   * (text, values, callback). pg's own promises keep what queries hold alive until the next full
   * collection: with callbacks, collecting it costs an eighth.
   *
   * A transaction that was idle for too long, because this process got no time to go on, is a
   * conflict, and smaller ones may pass; all that pg says of it is that the connection is gone.
   */
  override query(text: unknown, values?: unknown, callback?: unknown): never {
    this.#waits = true;
    this.gather();
    const ask = super.query.bind(this) as (...args: unknown[]) => unknown;
    const query = prepared(text, values, this.#nameless);
    if (callback !== undefined) return ask(query, callback) as never;
    return new Promise((resolve, reject) => {
      ask(query, (error: Error | undefined, result: unknown) => {
        // Of a value that cannot be sent, pg closes the statement, and takes it for prepared all the same.
        if (error && !(error instanceof pg.DatabaseError)) this.#nameless.add(String(text));
        if (error) reject(this.#end ?? error);
        else resolve(result);
      });
    }) as never;
  }

  /** What is asked in one turn goes out in one write: a write costs more than the statement in it. */
  private gather(): void {
    if (this.#gathers) return;
    const { stream } = this;
    this.#gathers = true;
    stream.cork();
    process.nextTick(() => {
      this.#gathers = false;
      stream.uncork();
    });
  }
}

export interface PoolOptions {
  url: string;
  size: number;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Whether statements and transactions may take their time, as migrations do; they wait for a lock for 2 s only. */
  isPatient: boolean;
  onError: (error: Error) => void;
  /** How long an answer may take, in milliseconds, unless patient. */
  longestAnswerMs?: number;
}

const CONNECTION_SETTINGS = {
  tcp_keepalives_idle: '2',
  tcp_keepalives_interval: '1',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '4000',
};

/**
 * What the server must do for an app. A pooler may not pass it on, so the roles have it too
 * (`infra/postgres/roles.sql`), and the doctor looks.
 *
 * The limits keep a frozen or cut-off process from holding a stranger's lock: the server
 * ends its transaction. Below the lock of a ticket (5 s), so that whoever takes the work
 * over finds the locks free.
 */
export const SERVER_SETTINGS: Readonly<Record<string, string>> = {
  // Partitions are of days.
  timezone: 'UTC',
  transaction_timeout: '4s',
  idle_in_transaction_session_timeout: '3500ms',
  // Every statement has its index. A plan that was made while a partition was empty must not
  // go on scanning it when it is full.
  enable_seqscan: 'off',
  jit: 'off',
};

const LIMITED_SETTINGS = { ...CONNECTION_SETTINGS, ...SERVER_SETTINGS };

/** How long an answer may take, in milliseconds. The server ends what takes longer than 4 s, so it is gone then. */
const LONGEST_ANSWER_MS = 8_000;

/** Whoever waits for a lock on a table has all who come later wait behind it. */
const PATIENT_SETTINGS = { ...CONNECTION_SETTINGS, timezone: 'UTC', lock_timeout: '2s' };

/** A pool whose connections time out, are kept alive, and whose errors do not end the process. */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.size,
    application_name: options.applicationName,
    Client: PreparingClient,
    pipeline: true,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 2_000,
    options: Object.entries(options.isPatient ? PATIENT_SETTINGS : LIMITED_SETTINGS)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types: { getTypeParser },
  });
  // Without listeners, a connection that the server closes would end the process: an idle one here,
  // one in a transaction between two statements without its own (the next statement rejects).
  pool.on('error', options.onError);
  pool.on('connect', (client: pg.Client) => {
    if (!options.isPatient && client instanceof PreparingClient)
      client.limitSilence(options.longestAnswerMs ?? LONGEST_ANSWER_MS);
  });
  return pool;
}
