/** Builds `@tidings/client`, and checks it as those see it who install it: manifest, types, size. */
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { runTool } from '../local/run-tool.ts';
import { buildPackage, PACKAGE } from './package.ts';
import { BUDGETS, sizeOf } from './size.ts';

const failures: string[] = [];

await buildPackage();

const { messages, pkg } = await publint({ pkgDir: PACKAGE, strict: true });
for (const message of messages) failures.push(`publint: ${formatMessage(message, pkg) ?? message.code}`);

// Resolution of Node before `exports` knows no `./react`.
const types = await runTool('@arethetypeswrong/cli/dist/index.js', ['--pack', PACKAGE, '--profile', 'node16']);
if (!types.ok) failures.push(`attw: ${types.output}`);

for (const budget of BUDGETS) {
  const size = await sizeOf(budget);
  console.log(`${budget.name}: ${size} of ${budget.most} bytes`);
  if (size > budget.most) failures.push(`${budget.name} is too large: ${size} bytes gzipped, ${budget.most} at most`);
}

for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
