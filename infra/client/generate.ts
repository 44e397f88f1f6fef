/**
 * `npm run generate:client`: writes the SDK's types and routes of all resources from the
 * OpenAPI document of the api. With `--check` it writes nothing, and fails when they are out of date.
 */
import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runnerImport } from 'vite';
import { ROOT } from '../local/run-tool.ts';
import type { OpenApi } from './openapi.ts';
import { resourceTypes, typesOnly } from './resource-types.ts';

const FOLDER = 'libs/client/src';
const FILE = 'resources.generated.ts';
/** What of it is published. */
const TYPES_FILE = 'resource-types.generated.ts';

/** As it describes itself in production: without drills. */
async function documentOfApi(): Promise<OpenApi> {
  process.env['NODE_ENV'] = 'production';
  await import('reflect-metadata');
  const conditions = ['source', 'module', 'node', 'production'];
  const { module } = await runnerImport<{ openApiDocument: () => Promise<OpenApi> }>(
    join(ROOT, 'apps/api/src/openapi.ts'),
    { root: ROOT, logLevel: 'error', environments: { inline: { resolve: { conditions } } } },
  );
  return module.openApiDocument();
}

/** In the format of the project. */
function formatted(text: string): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/oxfmt/bin/oxfmt', `--stdin-filepath=${FOLDER}/${FILE}`],
    { cwd: ROOT, input: text, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`What was generated cannot be formatted:\n${stderr}`);
  return stdout;
}

const resources = resourceTypes(await documentOfApi());
const texts = { [FILE]: resources, [TYPES_FILE]: typesOnly(resources, `./${FILE}`) };
for (const [file, unformatted] of Object.entries(texts)) {
  const path = join(ROOT, FOLDER, file);
  const text = formatted(unformatted);
  if (!process.argv.includes('--check')) await writeFile(path, text);
  else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    console.error(`${FOLDER}/${file} is out of date: npm run generate:client`);
    process.exitCode = 1;
  }
}
