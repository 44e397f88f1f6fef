import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../local/run-tool.ts';

const read = (file: string): Promise<string> => readFile(join(ROOT, file), 'utf8');

it('one version is named in all places', async () => {
  const { version } = JSON.parse(await read('package.json')) as { version: string };
  const lock = JSON.parse(await read('package-lock.json')) as { version: string };
  const overlay = parse(await read('infra/kubernetes/overlays/production/kustomization.yaml')) as {
    images: { newTag: unknown }[];
  };
  const [, image] = /^ARG VERSION=(.*)$/m.exec(await read('Dockerfile')) ?? [];
  expect({ lock: lock.version, image, tags: overlay.images.map(({ newTag }) => newTag) }).toEqual({
    lock: version,
    image: version,
    tags: overlay.images.map(() => version),
  });
});
