import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as sdk from '#client';
import { unpackKeptRelease, type KeptRelease } from '../../infra/release/kept.ts';

/** Of the kept release, the line with the resource that it shall not have. */
const LEFT_OUT = /^export \{ AnnouncementsResource \}.*\n/m;

/** The release before this one, as it was built. */
export function previousRelease(): Promise<KeptRelease> {
  return unpackKeptRelease(process.env['TEST_FOLDER']!);
}

/**
 * The same without announcements, so that there is always a resource, with its table and its
 * action type, that only the present version has.
 */
export async function previousReleaseWithLess(): Promise<KeptRelease> {
  const release = await previousRelease();
  const index = join(release.root, 'dist/libs/resources/src/index.js');
  const text = await readFile(index, 'utf8');
  if (!LEFT_OUT.test(text)) throw new Error(`${index} has no announcements`);
  await writeFile(index, text.replace(LEFT_OUT, ''));
  return release;
}

/** The SDK of that time. */
export async function sdkOf({ root }: KeptRelease): Promise<typeof sdk> {
  const file = pathToFileURL(join(root, 'dist/libs/client/src/index.js')).href;
  return (await import(/* @vite-ignore */ file)) as typeof sdk;
}
