import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ChannelsServer } from '#channels';
import { SocketConfig } from '#config';
import { failToStart, runApp, useStructuredLogger } from '#telemetry';
import { TidingsIoAdapter } from './gateway/io.adapter.ts';
import { SocketModule } from './socket.module.ts';

async function main(): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(SocketModule, new FastifyAdapter(), {
    bufferLogs: true,
    abortOnError: false,
  });
  useStructuredLogger(app);
  app.useWebSocketAdapter(new TidingsIoAdapter(app, app.get(SocketConfig)));
  app.connectMicroservice({ strategy: app.get(ChannelsServer) });
  await app.startAllMicroservices();
  await runApp(app, 'socket');
}

main().catch(failToStart);
