import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { ActionCatalogue } from '#actions';
import { ApiConfig, loadConfig } from '#config';
import { assertMigrated, Database } from '#database';
import { ledgerMigrations } from '#ledger';
import { ApiModule } from './api.module.ts';
import { serveAsyncApi } from './asyncapi/asyncapi.ts';
import { serveConsole } from './console.ts';
import { BATCH_BODY_LIMIT, parseJsonBodies } from './http/json-body.ts';
import { limitAddresses, sendProblem, toProblemError } from '#http';
import { openApiOf, serveOpenApi } from './openapi.ts';

const EXPOSED_HEADERS = [
  'Location',
  'Retry-After',
  'ETag',
  'Idempotency-Replayed',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
];

export interface AppOptions {
  /** Whether it serves the console and the page of the documents, which are files beside the code. */
  pages: boolean;
}

/** Builds the api, ready to listen, or to be invoked as a function. */
export async function createApp({ pages }: AppOptions = { pages: true }): Promise<NestFastifyApplication> {
  const config = loadConfig(ApiConfig);
  const adapter = new FastifyAdapter({
    bodyLimit: BATCH_BODY_LIMIT,
    trustProxy: proxiesOf(config),
    genReqId: () => uuidv7(),
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    // The longest `sub`, percent-encoded.
    routerOptions: { maxParamLength: 3_000 },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(toProblemError(error), request, reply),
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.forConfig(config), adapter, {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
  });
  limitAddresses(adapter.getInstance(), config);
  parseJsonBodies(adapter.getInstance());
  if (config.ALLOWED_ORIGINS !== '') {
    const origins = config.ALLOWED_ORIGINS.split(',').map((origin) => origin.trim());
    app.enableCors({
      origin: origins.includes('*') ? '*' : origins,
      // Only "simple" ones unless they are named.
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: EXPOSED_HEADERS,
    });
  }
  const openApi = openApiOf(app);
  serveOpenApi(app, openApi, pages);
  serveAsyncApi(app, openApi, config);
  if (pages) await serveConsole(app);
  await assertMigrated(app.get(Database), { ...ledgerMigrations, ...app.get(ActionCatalogue).migrations });
  return app;
}

/** Whose `X-Forwarded-For` is believed; nobody's unless it is said. */
function proxiesOf({ TRUSTED_PROXIES }: ApiConfig): string[] | false {
  const proxies = TRUSTED_PROXIES.split(',')
    .map((address) => address.trim())
    .filter(Boolean);
  return proxies.length > 0 && proxies;
}
