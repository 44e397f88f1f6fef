import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import pg from 'pg';
import { freePort } from '../../infra/local/ports.ts';
import { LEDGER_TABLES } from '../floors/ledger-tables.ts';
import type { Wire } from '../load/protocol.ts';
import { ReadyProcess } from './ready-process.ts';
import type { AppRole, SystemKind } from './system.ts';

const SILENT: Wire = { protocol: 'ws', ready: '', outcome: '', beforeId: '', hears: false };
const HEARD: Wire = { protocol: 'ws', ready: 'hello', outcome: '["outcome"', beforeId: '{"id":"', hears: true };

const MAINS: Record<string, Partial<Record<AppRole, string>>> = {
  'node:http': { api: 'http.main.ts' },
  'plain ws': { api: 'ws.main.ts' },
  'bare BullMQ': { api: 'bullmq-api.main.ts', worker: 'bullmq-worker.main.ts' },
  'plain ledger': { api: 'ledger-api.main.ts', worker: 'ledger-worker.main.ts', socket: 'relay.main.ts' },
};

/**
 * What cannot be done for less: an answer, a message, a job, each without the others; and all of
 * them with a ledger, on which nothing is checked, retried, kept in order or replayed.
 */
export function floors(): SystemKind[] {
  return [
    floor('node:http', SILENT),
    floor('plain ws', HEARD),
    { ...floor('bare BullMQ', SILENT), drained },
    { ...floor('plain ledger', HEARD), migrate: makeLedger },
  ];
}

/** Whether it has processes of all kinds, and so compares with a whole system. */
export function isWhole({ roles }: SystemKind): boolean {
  return roles === undefined || roles.length === 3;
}

function floor(name: string, wire: Wire): SystemKind {
  const mains = MAINS[name]!;
  return {
    name,
    isOurs: false,
    wire,
    roles: Object.keys(mains) as AppRole[],
    migrate: () => Promise.resolve(),
    start: async (role, instance, env) =>
      new ReadyProcess(
        fileURLToPath(new URL(`../floors/${mains[role]}`, import.meta.url)),
        instance,
        await freePort(),
        env,
      ).start(),
  };
}

async function makeLedger({ DATABASE_URL }: NodeJS.ProcessEnv): Promise<void> {
  const client = new pg.Client({ connectionString: DATABASE_URL });
  await client.connect();
  await client.query(LEDGER_TABLES);
  await client.end();
}

async function drained({ REDIS_URL }: NodeJS.ProcessEnv): Promise<void> {
  const queue = new Queue('floor', { connection: { url: REDIS_URL! } });
  const isBusy = async (): Promise<boolean> => {
    const { waiting = 0, active = 0 } = await queue.getJobCounts('waiting', 'active');
    return waiting + active > 0;
  };
  while (await isBusy()) await delay(10);
  await queue.close();
}
