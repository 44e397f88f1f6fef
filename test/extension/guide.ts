import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../infra/local/run-tool.ts';

/** A step of the guide: code, and the file where it belongs. */
export interface Step {
  file: string;
  code: string;
}

const STEP = /^## \d+\. [^\n]*`(?<file>libs\/[^`]+)`\n.*?^```ts\n(?<code>.*?)^```$/gms;

/** The steps of docs/add-a-resource.md, in order; the last one is a line that is added to its file. */
export async function readGuide(): Promise<{ files: Step[]; line: Step }> {
  const text = await readFile(join(ROOT, 'docs/add-a-resource.md'), 'utf8');
  const steps = [...text.matchAll(STEP)].map(({ groups }) => ({ file: groups!['file']!, code: groups!['code']! }));
  return { files: steps.slice(0, -1), line: steps.at(-1)! };
}
