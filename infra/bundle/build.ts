/**
 * `npm run build:bundle`: the api as a function, one file without `node_modules`:
 * `dist/bundle/lambda.mjs`, handler `lambda.handler`. Made of what the compiler wrote, since
 * bundlers know nothing of decorators' metadata.
 */
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { build } from '../local/build.ts';
import { ROOT } from '../local/run-tool.ts';

/** What Nest and others try to load, and do without. */
const ABSENT = [
  '@fastify/multipart',
  '@fastify/view',
  '@grpc/*',
  '@nats-io/*',
  '@nestjs/platform-express',
  'amqp*',
  'kafkajs',
  'mqtt',
  'pg-native',
  'swagger-ui-dist',
];

/**
 * Bundles an entry of the built api: as a function (`lambda`), or as a server (`main`).
 *
 * @returns the path of the bundle
 * @throws {Error} when something that is needed cannot be found
 */
export async function buildBundle(entry: 'lambda' | 'main' = 'lambda'): Promise<string> {
  const outfile = join(ROOT, `dist/bundle/${entry}.mjs`);
  await bundle({
    entryPoints: [join(ROOT, `dist/apps/api/src/${entry}.js`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minify: true,
    // Nest finds providers by the names of their classes in messages only, and those are for people.
    keepNames: true,
    sourcemap: 'linked',
    external: ABSENT,
    // Packages that are no ES modules ask for these.
    banner: {
      js: "import{createRequire as tidingsRequire}from'node:module';const require=tidingsRequire(import.meta.url),__dirname=import.meta.dirname,__filename=import.meta.filename;",
    },
    logLevel: 'error',
  });
  return outfile;
}

if (import.meta.main) {
  await build();
  await buildBundle();
}
