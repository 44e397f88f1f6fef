import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { privatePostgres } from '#testing';

/** More than all pools of the apps, some of which are started twice for a moment. */
const MOST_CONNECTIONS = 150;

/** "too many connections", of Postgres. */
const TOO_MANY = '53300';

/** Time between two tries to get a connection, in milliseconds. */
const TRY_EVERY_MS = 20;

/** The Postgres of the stage, as faults see it. */
export interface PostgresStage {
  readonly url: string;
  /** Kills it; gives the number of its process. */
  kill: () => Promise<number>;
  /** Starts it again, and waits until it answers. */
  start: () => Promise<void>;
  isRunning: () => boolean;
  /** Takes all its connections, those of the apps too. */
  exhaust: () => Promise<Exhaustion>;
}

export interface Exhaustion {
  /** Connections of apps that were ended. */
  readonly ended: number;
  /** How many are held. */
  readonly held: number;
  /** How often Postgres had none left. */
  readonly refused: number;
  release: () => Promise<void>;
}

export async function startPostgresStage(): Promise<PostgresStage> {
  const server = await privatePostgres({ settings: { max_connections: String(MOST_CONNECTIONS) } });
  return {
    url: server.url,
    kill: async () => {
      const pid = server.pid!;
      await server.kill();
      return pid;
    },
    start: async () => void (await server.start()),
    isRunning: () => server.isRunning,
    exhaust: () => exhaust(server.url),
  };
}

const END_APPS = `
select pg_terminate_backend(pid) from pg_stat_activity
where application_name like 'tidings%' and backend_type = 'client backend'`;

/** Takes what is left, ends the connections of the apps, and takes these too, again and again. */
async function exhaust(url: string): Promise<Exhaustion> {
  const held: pg.Client[] = [];
  const over = new AbortController();
  let refused = 0;

  const take = async (): Promise<boolean> => {
    const client = new pg.Client({ connectionString: url, application_name: 'chaos' });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      if ((error as { code?: string }).code === TOO_MANY) refused += 1;
      return false;
    }
    held.push(client);
    return true;
  };
  const takeAll = async (): Promise<void> => {
    while (!over.signal.aborted && (await take()));
  };

  await takeAll();
  const { rowCount } = await held[0]!.query(END_APPS);
  const taking = (async () => {
    while (!over.signal.aborted) {
      await takeAll();
      await delay(TRY_EVERY_MS);
    }
  })();
  return {
    ended: rowCount ?? 0,
    get held() {
      return held.length;
    },
    get refused() {
      return refused;
    },
    release: async () => {
      over.abort();
      await taking;
      await Promise.all(held.map((client) => client.end().catch(() => undefined)));
    },
  };
}
