import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import { isUnavailable } from './database-error.ts';
import { createPool } from './pool.ts';

/** Runs SQL: the database itself, or one transaction on it. */
export interface Sql {
  /** Runs one statement and returns its rows: `timestamptz` as RFC 3339 (UTC, milliseconds), `bigint` as a number. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * One transaction. Statements that are given in one turn, without waiting for each other's
 * answers, are sent together and run one after the other.
 */
export interface Transaction extends Sql {
  /**
   * Runs the last statement and commits, in one round trip: when the statement fails, nothing
   * is committed. So one that must not be committed has to fail.
   */
  commitWith<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs `work` as a part of its own: undone alone when it rejects, and the transaction goes on. */
  savepoint<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
}

const failures = new WeakSet<Error>();

/** Whether an error is the answer to a statement, or of its connection, and not of something else that failed alike. */
export function isOfStatement(error: unknown): boolean {
  return error instanceof Error && failures.has(error);
}

class Executor implements Sql {
  #isOver = false;

  constructor(private readonly source: Pick<pg.Pool, 'query'> | pg.PoolClient) {}

  /** Ends the use: the connection is somebody else's now. */
  end(): void {
    this.#isOver = true;
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.#isOver) throw new Error('the transaction is over');
    try {
      const { rows } = await this.source.query(text, values as unknown[]);
      return rows as Row[];
    } catch (error) {
      // Where it was asked, not where pg has read the answer.
      if (error instanceof Error) {
        Error.captureStackTrace(error);
        failures.add(error);
      }
      throw error;
    }
  }
}

class TransactionExecutor extends Executor implements Transaction {
  #commit: Promise<unknown> | undefined;

  constructor(private readonly client: pg.PoolClient) {
    super(client);
  }

  /** Resolves once everything is committed. */
  commit(): Promise<unknown> {
    this.#commit ??= this.client.query('commit');
    return this.#commit;
  }

  /** Whether the commit has been asked for: it was carried out, or has undone a transaction that had failed. */
  get isEnded(): boolean {
    return this.#commit !== undefined;
  }

  async commitWith<Row>(text: string, values?: readonly unknown[]): Promise<Row[]> {
    const answer = this.query<Row>(text, values);
    const commit = this.commit();
    this.end();
    const [rows] = await Promise.all([answer, commit]);
    return rows;
  }

  async savepoint<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const inner = new Executor(this.client);
    const begun = this.query('savepoint part');
    try {
      const [result] = await Promise.all([work(inner), begun]);
      inner.end();
      await this.query('release savepoint part');
      return result;
    } catch (error) {
      // What `work` still does is too late: it must not run beside what follows.
      inner.end();
      await Promise.all([this.query('rollback to savepoint part'), this.query('release savepoint part')]);
      throw error;
    }
  }
}

export interface DatabaseOptions {
  url: string;
  poolSize: number;
  applicationName: string;
  /** For migrations: they take their time, but wait for a lock for 2 s only. */
  isPatient?: boolean;
  /** How long an answer may take before the server counts as gone, in milliseconds; 8 s unless given. */
  longestAnswerMs?: number;
}

/** Writes next to nothing, but must: a commit that has written nothing waits for no disk. */
const FLUSH = `select pg_logical_emit_message(true, 'tidings', $1), pg_backend_pid() as backend`;

/** A row that tells which process of the server has made it. */
export interface ServedRow {
  /** `pg_backend_pid()` */
  backend: number;
}

/** It was committed, and the server did not say that it is on the disk. */
class NotFlushedError extends Error {
  override readonly name = 'NotFlushedError';
  /** SQLSTATE transaction_resolution_unknown. */
  readonly code = '08007';

  constructor(cause: unknown) {
    super('a commit may not be on the disk', { cause });
  }
}

/** The Postgres that holds the ledger and the resources. */
@Injectable()
export class Database extends Executor implements OnApplicationShutdown {
  readonly #pool: pg.Pool;

  constructor(options: DatabaseOptions) {
    const logger = new Logger('Database');
    const pool = createPool({
      url: options.url,
      size: options.poolSize,
      applicationName: options.applicationName,
      isPatient: options.isPatient ?? false,
      ...(options.longestAnswerMs !== undefined && { longestAnswerMs: options.longestAnswerMs }),
      onError: (error) => logger.warn(`lost an idle connection: ${error.message}`),
    });
    super(pool);
    this.#pool = pool;
  }

  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects.
   * Every transaction is bounded by the server (4 s, unless patient), whatever becomes of this process.
   */
  async transaction<Result>(work: (sql: Transaction) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    const sql = new TransactionExecutor(client);
    // Sent together with the first statement. When it fails, the connection is gone.
    const begun = client.query('begin');
    let broken: Error | undefined;
    try {
      const [result] = await Promise.all([work(sql), begun]);
      sql.end();
      await sql.commit();
      return result;
    } catch (error) {
      // Work that was given up on may still hold it.
      sql.end();
      // Why it failed counts, not that the rollback failed too.
      const undone = sql.isEnded ? sql.commit() : client.query('rollback');
      broken = await undone.then(
        () => undefined,
        (reason: Error) => reason,
      );
      // Of a server that takes no writes (any more) no connection is used again.
      if (broken === undefined && error instanceof Error && isUnavailable(error)) broken = error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /**
   * Runs one statement, and then has the disk catch up: the statement may commit without waiting
   * for it, with `synchronous_commit` off for its own transaction.
   *
   * Both must have run in one process of the server: a pooler may give them to two, with a crash between
   * them that has taken the first one's rows along. No process outlives a crash of another.
   *
   * @param onVisible called with the rows when everybody sees what is committed. It is not durable
   *   yet, but what others make of it and commit will not be so any sooner
   * @returns the rows, once they are as durable as any commit
   * @throws an error that {@link isUnavailable} knows when it is not known whether they are
   */
  async queryThenFlush<Row extends ServedRow>(
    text: string,
    values: readonly unknown[],
    onVisible: (rows: Row[]) => void = () => undefined,
  ): Promise<Row[]> {
    const client = await this.#pool.connect();
    const sql = new Executor(client);
    let broken: Error | undefined;
    try {
      const [answer, flush] = await Promise.allSettled([
        sql.query<Row>(text, values).then((rows) => {
          onVisible(rows);
          return rows;
        }),
        // With a parameter, it is prepared.
        sql.query<ServedRow>(FLUSH, ['']),
      ]);
      if (answer.status === 'rejected') throw answer.reason;
      if (flush.status === 'rejected') throw new NotFlushedError(flush.reason);
      const [{ backend }] = flush.value as [ServedRow];
      if (answer.value.some((row) => row.backend !== backend)) throw new NotFlushedError('another backend');
      return answer.value;
    } catch (error) {
      if (error instanceof Error && isUnavailable(error)) broken = error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** The pool, for what brings its own way to use it: migrations. */
  get pool(): pg.Pool {
    return this.#pool;
  }

  /** Connections in use and waited for. */
  get load(): { total: number; idle: number; waiting: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }

  /** Last of all: other parts still write while they shut down. */
  async onApplicationShutdown(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end();
  }
}
