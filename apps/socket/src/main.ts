import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ChannelsServer } from '#channels';
import { loadConfig, SocketConfig } from '#config';
import { assertMigrated, Database } from '#database';
import { AddressLimit, httpErrors, ignoreExpectations, securityHeaders, serverOptions } from '#http';
import { ledgerMigrations } from '#ledger';
import { failToStart, runApp, useStructuredLogger } from '#telemetry';
import { allowedOrigins, originOfCors } from './allowed-origins.ts';
import { TidingsIoAdapter } from './gateway/io.adapter.ts';
import { SocketModule } from './socket.module.ts';

async function main(): Promise<void> {
  const config = loadConfig(SocketConfig);
  const secure = securityHeaders();
  const adapter = new FastifyAdapter({ ...serverOptions(config), ...httpErrors(secure) });
  const app = await NestFactory.create<NestFastifyApplication>(SocketModule, adapter, {
    bufferLogs: true,
    abortOnError: false,
  });
  useStructuredLogger(app);
  ignoreExpectations(app.getHttpServer());
  await assertMigrated(app.get(Database), ledgerMigrations);
  const addresses = new AddressLimit(config);
  adapter.getInstance().addHook('onRequest', async ({ raw }, reply) => secure(raw, reply.raw));
  addresses.guard(adapter.getInstance());
  const origins = allowedOrigins(config);
  // For event streams; socket.io has its own.
  if (origins.length > 0) {
    app.enableCors({
      origin: originOfCors(origins),
      methods: ['GET', 'HEAD'],
      exposedHeaders: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
      // OPTIONS that is no preflight is answered like one, and not by a text that is no problem.
      strictPreflight: false,
    });
  }
  app.useWebSocketAdapter(new TidingsIoAdapter(app, config, { addresses, secure }));
  app.connectMicroservice({ strategy: app.get(ChannelsServer) });
  await app.startAllMicroservices();
  await runApp(app, 'socket');
}

main().catch(failToStart);
