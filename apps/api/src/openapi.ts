import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { AcceptedActionView, ActionView, ProblemView } from './actions/action.dto.ts';
import { ApiModule } from './api.module.ts';

/** Serves the OpenAPI document at `/openapi.json` and its page at `/docs`. */
export function serveOpenApi(app: INestApplication): void {
  SwaggerModule.setup('docs', app, describe(app), {
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'Tidings API',
  });
}

/** The OpenAPI document of a production api, without a running system: nothing is connected to. */
export async function openApiDocument(): Promise<OpenAPIObject> {
  const app = await NestFactory.create(ApiModule.forConfig({ NODE_ENV: 'production' }), new FastifyAdapter(), {
    preview: true,
    abortOnError: false,
    logger: ['error'],
  });
  return describe(app);
}

function describe(app: INestApplication): OpenAPIObject {
  return SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Tidings')
      .setDescription('Submit now, hear back live: every 202 is answered by exactly one outcome.')
      .setVersion('1')
      .addBearerAuth()
      .build(),
    { extraModels: [ActionView, AcceptedActionView, ProblemView] },
  );
}
