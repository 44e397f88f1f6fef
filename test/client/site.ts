import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser } from 'playwright-core';
import { build, type Rolldown } from 'vite';
import { onTestFinished } from 'vitest';

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH']!,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
}

/**
 * Sources as browsers get them, in one module.
 *
 * @param path from the root of the project
 */
export async function bundleOf(path: string): Promise<string> {
  const entry = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const [built] = (await build({
    configFile: false,
    logLevel: 'error',
    // A lib leaves that to who uses it.
    define: { 'process.env.NODE_ENV': '"development"' },
    resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
    build: { write: false, lib: { entry, formats: ['es'], fileName: 'client' } },
  })) as Rolldown.RolldownOutput[];
  return built!.output[0].code;
}

/** A site of another origin than the api. */
export async function startSite(files: Record<string, { type: string; text: string }>): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const file = files[url];
    response.writeHead(file ? 200 : 404, { 'content-type': file?.type ?? 'text/plain' }).end(file?.text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
