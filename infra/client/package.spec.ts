import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildPackage } from './package.ts';

/** A folder of its own: other tests build the package meanwhile. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-package-'));
  await buildPackage(folder);
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');

describe('what is built for who installs the client', () => {
  it.each(['index.d.ts', 'index.d.cts'])(
    'promises the types of resources in %s, and no value that is not there',
    async (file) => {
      const types = await read(file);
      expect(types).toContain('CreateMessage');
      expect(types).not.toContain('RESOURCE_ROUTES');
    },
  );

  it.each(['react.js', 'react.cjs'])('tells first that %s is for the browser', async (file) => {
    expect((await read(file)).split('\n')[0]).toBe(`'use client';`);
  });
});
