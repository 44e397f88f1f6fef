import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ActionCatalogue, RESOURCES } from '#actions';
import type { ProblemCode } from '#contracts';
import { AcceptedActionView, ActionView, ProblemView } from './actions/action.dto.ts';
import { ApiModule } from './api.module.ts';
import { describeProblems } from './http/problem-responses.ts';

/** Built here too, since without a running system there is none at hand. */
const CATALOGUE = new ActionCatalogue(RESOURCES.map((Resource) => new Resource()));

type Responses = NonNullable<OpenAPIObject['paths'][string]['get']>['responses'];

/** What every route can answer that wants a token. */
const EVERYWHERE: ProblemCode[] = [
  'UNAUTHENTICATED',
  'TOKEN_EXPIRED',
  'PAYLOAD_TOO_LARGE',
  'RATE_LIMITED',
  'INTERNAL',
  'UNAVAILABLE',
];

/** Builds the OpenAPI document when it is first asked for: no start of a process waits for it. */
export function openApiOf(app: INestApplication): () => OpenAPIObject {
  let document: OpenAPIObject | undefined;
  return () => (document ??= build(app));
}

/** Serves the OpenAPI document at `/openapi.json` and, where `ui` says so, its page at `/docs`. */
export function serveOpenApi(app: INestApplication, document: () => OpenAPIObject, ui: boolean): void {
  SwaggerModule.setup('docs', app, document, { ui, jsonDocumentUrl: 'openapi.json', customSiteTitle: 'Tidings API' });
}

/** The OpenAPI document of a production api, without a running system: nothing is connected to. */
export async function openApiDocument(): Promise<OpenAPIObject> {
  const app = await NestFactory.create(ApiModule.forConfig({ NODE_ENV: 'production' }), new FastifyAdapter(), {
    preview: true,
    abortOnError: false,
    logger: ['error'],
  });
  return build(app);
}

function build(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Tidings')
      .setDescription('Submit now, hear back live: every 202 is answered by exactly one outcome.')
      .setVersion('1')
      .addBearerAuth()
      .build(),
    { extraModels: [ActionView, AcceptedActionView, ProblemView, ...modelsOf(CATALOGUE)] },
  );
  describeCommonProblems(document);
  return document;
}

/** The DTOs of all resources; some are heard on sockets only, which AsyncAPI describes. */
function modelsOf({ types, resources }: ActionCatalogue): Type[] {
  const payloads = types.map(({ handler }) => handler.payload).filter((payload) => payload !== undefined);
  return [...payloads, ...resources.flatMap(({ view, events }) => [view, ...Object.values(events)])];
}

function describeCommonProblems({ paths }: OpenAPIObject): void {
  for (const { get, put, post, patch, delete: remove } of Object.values(paths)) {
    for (const operation of [get, put, post, patch, remove]) {
      if (operation?.security === undefined) continue;
      const common = describeProblems(EVERYWHERE).map(({ status, ...response }) => [status, response]);
      operation.responses = { ...(Object.fromEntries(common) as Responses), ...operation.responses };
    }
  }
}
