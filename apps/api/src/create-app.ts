import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ActionCatalogue } from '#actions';
import { TokenVerifier } from '#auth';
import { ApiConfig, loadConfig } from '#config';
import { assertMigrated, Database } from '#database';
import { ledgerMigrations } from '#ledger';
import { ApiModule } from './api.module.ts';
import { serveAsyncApi } from './asyncapi/asyncapi.ts';
import { serveConsole } from './console.ts';
import { BATCH_BODY_LIMIT, parseJsonBodies } from './http/json-body.ts';
import { contentPolicies } from './http/content-policy.ts';
import { askTokenFirst } from './http/token-first.ts';
import { AddressLimit, httpErrors, ignoreExpectations, RateLimitGuard, securityHeaders, serverOptions } from '#http';
import { serveQueueDashboard } from './operations/queue-dashboard.ts';
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
  /** Whether it serves the console, the page of the documents and that of the queue, which are files beside the code. */
  pages: boolean;
}

/** Builds the api, ready to listen, or to be invoked as a function. */
export async function createApp({ pages }: AppOptions = { pages: true }): Promise<NestFastifyApplication> {
  const config = loadConfig(ApiConfig);
  const secure = securityHeaders(contentPolicies(config));
  const adapter = new FastifyAdapter({
    bodyLimit: BATCH_BODY_LIMIT,
    ...serverOptions(config),
    // On a connection that is still busy, requests are answered like any others: the parts of the app close after them.
    return503OnClosing: false,
    // The longest `sub`, percent-encoded.
    routerOptions: { maxParamLength: 3_000 },
    ...httpErrors(secure),
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.forConfig(config), adapter, {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
  });
  adapter.getInstance().addHook('onRequest', async ({ raw }, reply) => secure(raw, reply.raw));
  new AddressLimit(config).guard(adapter.getInstance());
  ignoreExpectations(app.getHttpServer());
  askTokenFirst(adapter.getInstance(), app.get(TokenVerifier), app.get(RateLimitGuard));
  parseJsonBodies(adapter.getInstance());
  if (config.ALLOWED_ORIGINS !== '') {
    const origins = config.ALLOWED_ORIGINS.split(',').map((origin) => origin.trim());
    app.enableCors({
      origin: origins.includes('*') ? '*' : origins,
      // Only "simple" ones unless they are named.
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
      exposedHeaders: EXPOSED_HEADERS,
      // OPTIONS that is no preflight is answered like one, and not by a text that is no problem.
      strictPreflight: false,
    });
  }
  const openApi = openApiOf(app);
  serveOpenApi(app, openApi, pages);
  serveAsyncApi(app, openApi, config);
  if (pages) {
    await serveQueueDashboard(app, config);
    await serveConsole(app);
  }
  await assertMigrated(app.get(Database), { ...ledgerMigrations, ...app.get(ActionCatalogue).migrations });
  return app;
}
