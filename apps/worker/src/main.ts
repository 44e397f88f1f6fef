import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ActionCatalogue } from '#actions';
import { loadConfig, WorkerConfig } from '#config';
import { assertMigrated, Database } from '#database';
import { ledgerMigrations } from '#ledger';
import { TicketQueue } from '#queue';
import { failToStart, runApp } from '#telemetry';
import { untilDrained } from './until-drained.ts';
import { watchEventLoop } from './watchdog.ts';
import { WorkerModule } from './worker.module.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { 'until-drained': { type: 'boolean', default: false } } });
  // Before Nest, which would say what is wrong with it in its own way.
  const { BLOCKED_LIMIT_MS } = loadConfig(WorkerConfig);
  const app = await NestFactory.create<NestFastifyApplication>(WorkerModule, new FastifyAdapter(), {
    bufferLogs: true,
    abortOnError: false,
  });
  await assertMigrated(app.get(Database), { ...ledgerMigrations, ...app.get(ActionCatalogue).migrations });
  watchEventLoop(BLOCKED_LIMIT_MS);
  await runApp(app, 'worker');
  if (!values['until-drained']) return;
  await untilDrained(app.get(Database), app.get(TicketQueue));
  process.kill(process.pid, 'SIGTERM');
}

main().catch(failToStart);
