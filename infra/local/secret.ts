import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA } from './data-folder.ts';

const FILE = join(DATA, 'jwt-secret');

/** The secret of this clone's development tokens: `JWT_SECRET`, or one that is made once and kept. */
export async function developmentSecret(): Promise<string> {
  if (process.env['JWT_SECRET']) return process.env['JWT_SECRET'];
  await mkdir(DATA, { recursive: true });
  try {
    await writeFile(FILE, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFile(FILE, 'utf8');
}
