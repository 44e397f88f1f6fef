import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { AcceptedActionView, ActionView, ProblemView } from './actions/action.dto.ts';

/** Serves the OpenAPI document at `/openapi.json` and its page at `/docs`. */
export function serveOpenApi(app: INestApplication): void {
  const document = SwaggerModule.createDocument(
    app,
    new DocumentBuilder()
      .setTitle('Tidings')
      .setDescription('Submit now, hear back live: every 202 is answered by exactly one outcome.')
      .setVersion('1')
      .addBearerAuth()
      .build(),
    { extraModels: [ActionView, AcceptedActionView, ProblemView] },
  );
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', customSiteTitle: 'Tidings API' });
}
