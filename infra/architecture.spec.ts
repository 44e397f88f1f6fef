import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, runTool } from './local/run-tool.ts';

it('the picture of who imports whom is as the code is', async () => {
  const text = await readFile(join(ROOT, 'docs/architecture.md'), 'utf8');
  const [, picture] = /^As it is:\n\n```mermaid\n(.*?)\n```$/ms.exec(text)!;
  // As the page says that it is drawn.
  const [, command] = /^node node_modules\/dependency-cruiser\/bin\/dependency-cruiser\.mjs (.*?)\n```$/ms.exec(text)!;
  const args = [...command!.matchAll(/'([^']*)'|([^\s\\]+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
  const { output } = await runTool('dependency-cruiser/bin/dependency-cruiser.mjs', args);
  // The order of its lines is that of the imports.
  expect(output.trim().split('\n').toSorted()).toEqual(picture!.split('\n').toSorted());
}, 180_000);
