import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ActionCatalogue } from '#actions';
import type { ApiConfig } from '#config';
import { asyncApiDocument } from './asyncapi-document.ts';

/** Serves the AsyncAPI document at `/asyncapi.json`; it is built when it is first asked for. */
export function serveAsyncApi(
  app: NestFastifyApplication,
  openApi: () => OpenAPIObject,
  { SOCKET_URLS }: Pick<ApiConfig, 'SOCKET_URLS'>,
): void {
  const sockets = SOCKET_URLS.split(',')
    .map((url) => url.trim())
    .filter((url) => URL.canParse(url));
  let document: object | undefined;
  app.getHttpAdapter().get('/asyncapi.json', (_request: FastifyRequest, reply: FastifyReply) => {
    document ??= asyncApiDocument(app.get(ActionCatalogue), openApi(), sockets);
    void reply.send(document);
  });
}
