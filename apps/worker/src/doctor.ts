/**
 * `npm run doctor [-- --api=<url>] [--socket=<url>] [--processes=<n>]`: checks an installation
 * by its environment, says what to change, and exits with 1 when something does not work.
 */
import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { ActionCatalogue, RESOURCES } from '#actions';
import { loadConfig, WorkerConfig } from '#config';
import { ledgerMigrations } from '#ledger';
import { failToStart } from '#telemetry';
import type { Finding } from './doctor/finding.ts';
import { checkMachine } from './doctor/machine.checks.ts';
import { checkPostgres } from './doctor/postgres.checks.ts';
import { checkReachable } from './doctor/reachability.checks.ts';
import { checkRedis } from './doctor/redis.checks.ts';

async function examine(): Promise<Finding[]> {
  const { values } = parseArgs({
    options: {
      api: { type: 'string', multiple: true, default: [] },
      socket: { type: 'string', multiple: true, default: [] },
      processes: { type: 'string', default: '4' },
    },
  });
  const processes = Number(values.processes);
  if (!Number.isSafeInteger(processes) || processes < 1) throw new Error('--processes must be a number from 1');
  const { DATABASE_URL, REDIS_URL, DATABASE_POOL_SIZE, isProduction } = loadConfig(WorkerConfig);
  const { migrations } = new ActionCatalogue(RESOURCES.map((Resource) => new Resource()));
  const findings = await Promise.all([
    checkMachine(),
    checkPostgres({
      url: DATABASE_URL,
      poolSize: DATABASE_POOL_SIZE,
      processes,
      migrations: { ...ledgerMigrations, ...migrations },
    }),
    checkRedis(REDIS_URL, isProduction),
    ...values.api.map((url) => checkReachable('api', url)),
    ...values.socket.map((url) => checkReachable('socket', url)),
  ]);
  return findings.flat();
}

function print(findings: readonly Finding[]): void {
  const marks = { ok: '✓', warning: '!', error: '✗' };
  for (const { level, subject, state, advice } of findings) {
    process.stdout.write(`${marks[level]} ${subject}: ${state}${advice === undefined ? '' : `\n    → ${advice}`}\n`);
  }
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  process.stdout.write(`${count('ok')} ok, ${count('warning')} warnings, ${count('error')} errors\n`);
}

examine()
  .then((findings) => {
    print(findings);
    process.exitCode = findings.some(({ level }) => level === 'error') ? 1 : 0;
  })
  .catch(failToStart);
