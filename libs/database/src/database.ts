import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';
import { createPool } from './pool.ts';

/** Runs SQL: the database itself, or one transaction on it. */
export interface Sql {
  /** Runs one statement and returns its rows. */
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The typed query builder over the given tables. */
  tables<Tables>(): Kysely<Tables>;
}

/** One transaction. */
export interface Transaction extends Sql {
  /** Runs `work` as a part of its own: undone alone when it rejects, and the transaction goes on. */
  savepoint<Result>(work: (sql: Transaction) => Promise<Result>): Promise<Result>;
}

class Executor implements Sql {
  #isOver = false;

  constructor(protected readonly kysely: Kysely<unknown>) {}

  /** Ends the use: the connection is somebody else's now. */
  end(): void {
    this.#isOver = true;
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    if (this.#isOver) throw new Error('the transaction is over');
    const { rows } = await this.kysely.executeQuery(CompiledQuery.raw(text, [...values]));
    return rows as Row[];
  }

  tables<Tables>(): Kysely<Tables> {
    return this.kysely as unknown as Kysely<Tables>;
  }
}

class TransactionExecutor extends Executor implements Transaction {
  async savepoint<Result>(work: (sql: Transaction) => Promise<Result>): Promise<Result> {
    const inner = new TransactionExecutor(this.kysely);
    await this.query('savepoint part');
    try {
      const result = await work(inner);
      inner.end();
      await this.query('release savepoint part');
      return result;
    } catch (error) {
      // What `work` still does is too late: it must not run beside what follows.
      inner.end();
      await this.query('rollback to savepoint part');
      await this.query('release savepoint part');
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
}

/** The Postgres that holds the ledger and the resources. */
@Injectable()
export class Database extends Executor implements OnApplicationShutdown {
  readonly #pool: pg.Pool;
  readonly #kysely: Kysely<unknown>;

  constructor(options: DatabaseOptions) {
    const logger = new Logger('Database');
    const pool = createPool({
      url: options.url,
      size: options.poolSize,
      applicationName: options.applicationName,
      isPatient: options.isPatient ?? false,
      onError: (error) => logger.warn(`lost an idle connection: ${error.message}`),
    });
    const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    super(kysely);
    this.#pool = pool;
    this.#kysely = kysely;
  }

  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects.
   * Every transaction is bounded by the server (4 s, unless patient), whatever becomes of this process.
   */
  transaction<Result>(work: (sql: Transaction) => Promise<Result>): Promise<Result> {
    let failure: { error: unknown } | undefined;
    const transaction = this.#kysely.transaction().execute(async (inner) => {
      const executor = new TransactionExecutor(inner);
      try {
        return await work(executor);
      } catch (error) {
        failure = { error };
        throw error;
      } finally {
        // Work that was given up on may still hold it.
        executor.end();
      }
    });
    // Why it failed counts, not that the rollback failed too.
    return transaction.catch((error: unknown) => {
      throw failure ? failure.error : error;
    });
  }

  /** Connections in use and waited for. */
  get load(): { total: number; idle: number; waiting: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }

  /** Last of all: other parts still write while they shut down. */
  async onApplicationShutdown(): Promise<void> {
    await this.#kysely.destroy();
    // Before the first query Kysely does not know the pool.
    if (!this.#pool.ended) await this.#pool.end();
  }
}
