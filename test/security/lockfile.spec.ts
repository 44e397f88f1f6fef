import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

/** Below these versions are published vulnerabilities. */
const FLOORS: Record<string, string> = {
  'engine.io': '6.6.10',
  'socket.io-parser': '4.2.7',
  ws: '8.21.1',
  '@nestjs/common': '12.0.2',
  '@nestjs/core': '12.0.2',
  '@nestjs/microservices': '12.0.2',
  '@nestjs/platform-fastify': '12.0.2',
  '@nestjs/platform-socket.io': '12.0.2',
  '@nestjs/swagger': '12.0.2',
  '@nestjs/testing': '12.0.2',
  '@nestjs/websockets': '12.0.2',
};

/** Packages of Nest with version numbers of their own. */
const OWN_SERIES = new Set([
  '@nestjs/bull-shared',
  '@nestjs/bullmq',
  '@nestjs/cli',
  '@nestjs/jwt',
  '@nestjs/mapped-types',
  '@nestjs/schematics',
]);

interface Lockfile {
  packages: Record<string, { version?: string }>;
}

/** Every copy of every package: `[name, version, path]`. */
async function copies(): Promise<[string, string, string][]> {
  const text = await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8');
  return Object.entries((JSON.parse(text) as Lockfile).packages)
    .filter(([path]) => path !== '')
    .map(([path, { version = '' }]) => [path.split('node_modules/').at(-1)!, version, path]);
}

/** Compares releases (a pre-release counts as older than anything). */
function isAtLeast(version: string, floor: string): boolean {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return false;
  return version.localeCompare(floor, 'en', { numeric: true }) >= 0;
}

describe('the lockfile', () => {
  it.each(Object.entries(FLOORS))('has no copy of %s below %s', async (name, floor) => {
    const found = (await copies()).filter(([copy]) => copy === name);
    expect(found).not.toEqual([]);
    expect(found.filter(([, version]) => !isAtLeast(version, floor))).toEqual([]);
  });

  it('has no package of Nest that nobody has set a floor for', async () => {
    const names = (await copies()).map(([name]) => name).filter((name) => name.startsWith('@nestjs/'));
    expect(names.filter((name) => !(name in FLOORS) && !OWN_SERIES.has(name))).toEqual([]);
  });

  it('is compared by numbers', () => {
    expect(['6.6.9', '6.6.10-rc.1', '5.10.0', ''].filter((version) => isAtLeast(version, '6.6.10'))).toEqual([]);
    expect(['6.6.10', '6.10.0', '10.0.0'].filter((version) => !isAtLeast(version, '6.6.10'))).toEqual([]);
  });
});
