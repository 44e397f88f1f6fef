import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { failToStart, runApp } from '#telemetry';
import { WorkerModule } from './worker.module.ts';

NestFactory.create<NestFastifyApplication>(WorkerModule, new FastifyAdapter(), {
  bufferLogs: true,
  abortOnError: false,
})
  .then(runApp)
  .catch(failToStart);
