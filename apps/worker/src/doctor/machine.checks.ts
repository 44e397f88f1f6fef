import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { failure, ok, type Finding } from './finding.ts';

const OLDEST_NODE = 24;

/** Below these, known holes are open. */
const OLDEST_PACKAGES: Readonly<Record<string, string>> = {
  'engine.io': '6.6.10',
  'socket.io-parser': '4.2.7',
  ws: '8.21.1',
  '@nestjs/core': '12.0.2',
};

/** Checks the Node that runs, and the packages that are installed. */
export async function checkMachine(): Promise<Finding[]> {
  const node =
    Number(process.versions.node.split('.')[0]) >= OLDEST_NODE
      ? ok('node', process.version)
      : failure('node', process.version, `run Node ${OLDEST_NODE} or later`);
  return [node, ...(await Promise.all(Object.entries(OLDEST_PACKAGES).map(checkPackage)))];
}

async function checkPackage([name, oldest]: [string, string]): Promise<Finding> {
  const version = await versionOf(name).catch(() => undefined);
  if (version === undefined)
    return failure(name, 'is not installed', 'install the packages of package-lock.json (npm ci)');
  if (!isOlder(version, oldest)) return ok(name, version);
  return failure(name, version, `has known holes: install ${oldest} or later, as package-lock.json says (npm ci)`);
}

/** Many packages do not export their package.json, so it is read where Node would look for it. */
async function versionOf(name: string): Promise<string> {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const text = await readFile(`${folder}/${name}/package.json`, 'utf8').catch(() => undefined);
    if (text !== undefined) return (JSON.parse(text) as { version: string }).version;
  }
  throw new Error(`${name} is nowhere`);
}

/** Compares the three numbers of versions. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  const first = a!.findIndex((part, index) => part !== b![index]);
  return first !== -1 && a![first]! < b![first]!;
}
