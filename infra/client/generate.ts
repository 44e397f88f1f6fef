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
import { resourceTypes } from './resource-types.ts';

const FILE = 'libs/client/src/resources.generated.ts';

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
    ['node_modules/oxfmt/bin/oxfmt', `--stdin-filepath=${FILE}`],
    { cwd: ROOT, input: text, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`What was generated cannot be formatted:\n${stderr}`);
  return stdout;
}

const path = join(ROOT, FILE);
const text = formatted(resourceTypes(await documentOfApi()));
if (!process.argv.includes('--check')) await writeFile(path, text);
else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
  console.error(`${FILE} is out of date: npm run generate:client`);
  process.exitCode = 1;
}
