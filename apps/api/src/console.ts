import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** Where the build puts the page. */
const CONSOLE = fileURLToPath(new URL('../../console', import.meta.url));

/** Serves the console at `/`, if it is built. */
export async function serveConsole(app: NestFastifyApplication): Promise<void> {
  if (!existsSync(CONSOLE)) return;
  // No wildcard: an unknown path stays unknown.
  await app.register(fastifyStatic, { root: CONSOLE, wildcard: false, decorateReply: false });
}
