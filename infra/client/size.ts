import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { ROOT } from '../local/run-tool.ts';
import { PACKAGE } from './package.ts';

/** What a page loads may grow to, in bytes: minified, gzipped. */
interface Budget {
  name: string;
  entry: string;
  /** Left out of the bundle. */
  external: RegExp[];
  most: number;
}

const REACT = /^react($|\/)/;
const SOCKET_IO = /^socket\.io-client$/;

export const BUDGETS: readonly Budget[] = [
  { name: 'own code', entry: 'index.js', external: [SOCKET_IO], most: 10_000 },
  { name: 'with socket.io-client', entry: 'index.js', external: [], most: 23_000 },
  { name: 'own code of the React entry', entry: 'react.js', external: [REACT, SOCKET_IO], most: 1_500 },
];

/** How large the built package is in a page, in bytes. */
export async function sizeOf({ entry, external }: Pick<Budget, 'entry' | 'external'>): Promise<number> {
  const built = (await build({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      modulePreload: false,
      rolldownOptions: { input: join(PACKAGE, entry), external, preserveEntrySignatures: 'strict' },
    },
  })) as Rolldown.RolldownOutput;
  return built.output.reduce((sum, file) => sum + (file.type === 'chunk' ? gzipSync(file.code).length : 0), 0);
}
