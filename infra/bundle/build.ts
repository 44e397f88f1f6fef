/**
 * `npm run build:bundle`: the api as a function, one file without `node_modules`:
 * `dist/bundle/lambda.mjs`, handler `lambda.handler`. Made of what the compiler wrote, since
 * bundlers know nothing of decorators' metadata.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build as bundle, type Plugin } from 'esbuild';
import { build } from '../local/build.ts';
import { ROOT } from '../local/run-tool.ts';

/** What Nest and others try to load, and do without. */
const ABSENT = [
  '@fastify/multipart',
  '@fastify/view',
  '@nats-io/*',
  '@nestjs/platform-express',
  'amqp*',
  'class-transformer/storage',
  'kafkajs',
  'mqtt',
  'pg-native',
  'swagger-ui-dist',
];

/**
 * Nest's `OmitType` and the like ask for class-validator by a `require` of their own, at run time,
 * where there are no packages, and do without the rules of the class if they find none. Without
 * that `require` the bundler sees what they ask for.
 */
const mappedTypes: Plugin = {
  name: 'mapped-types',
  setup(bundler) {
    bundler.onLoad({ filter: /@nestjs\/mapped-types\/dist\/type-helpers\.utils\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace('const require = createRequire(import.meta.url);', ''),
    }));
  },
};

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
    plugins: [mappedTypes],
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
