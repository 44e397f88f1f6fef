import { join } from 'node:path';
import { ROOT } from './run-tool.ts';

/** What belongs to this clone and not to git: data of the servers, programs, logs, the secret. */
export const DATA = join(ROOT, '.data');
