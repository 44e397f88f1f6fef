import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runScript, runTool } from './run-tool.ts';

interface Check {
  name: string;
  /** A tool's program in `node_modules`, or a script of the project. */
  script: string;
  args: readonly string[];
  /** Left out where this path does not exist. */
  needs?: string;
}

interface Finding extends Check {
  ok: boolean;
  seconds: number;
}

/** The slowest first: with two at a time, that ends soonest. */
const CHECKS: readonly Check[] = [
  {
    name: 'types',
    script: 'typescript/bin/tsc',
    args: ['--noEmit', '-p', 'tsconfig.json', '--tsBuildInfoFile', 'dist/check.tsbuildinfo'],
  },
  {
    name: 'console types',
    script: 'svelte-check/bin/svelte-check',
    args: ['--workspace', 'apps/console', '--fail-on-warnings', '--output', 'human'],
    needs: 'apps/console/tsconfig.json',
  },
  { name: 'client package', script: 'infra/client/check-package.ts', args: [] },
  { name: 'client types', script: 'infra/client/generate.ts', args: ['--check'] },
  { name: 'dead code', script: 'knip/bin/knip.js', args: ['--no-progress', '--no-config-hints'] },
  {
    name: 'import boundaries',
    script: 'dependency-cruiser/bin/dependency-cruiser.mjs',
    args: ['--config', '.dependency-cruiser.mjs', 'apps', 'libs', 'infra', 'test', 'bench', 'chaos'],
  },
  { name: 'lint', script: 'oxlint/bin/oxlint', args: [] },
  { name: 'format', script: 'oxfmt/bin/oxfmt', args: ['--check'] },
];

const AT_ONCE = 2;

const waiting = CHECKS.filter(({ needs }) => needs === undefined || existsSync(join(ROOT, needs)));
const findings: Finding[] = [];

async function runWaiting(): Promise<void> {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const startedAt = performance.now();
    const run = check.script.startsWith('infra/') ? runScript : runTool;
    const { ok, output } = await run(check.script, check.args);
    findings.push({ ...check, ok, seconds: (performance.now() - startedAt) / 1000 });
    console.log(`${ok ? '✓' : '✗'} ${check.name}`);
    if (!ok) console.log(`${output}\n`);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, runWaiting));

console.log();
for (const { name, ok, seconds } of findings) {
  console.log(`${ok ? 'passed' : 'FAILED'}  ${name.padEnd(18)} ${seconds.toFixed(1).padStart(5)} s`);
}
const failed = findings.filter(({ ok }) => !ok);
if (failed.length > 0) {
  const formatting = failed.some(({ name }) => name === 'format') ? ' (npm run format mends the format)' : '';
  console.log(`\n${failed.length} of ${findings.length} checks failed${formatting}`);
  process.exitCode = 1;
}
