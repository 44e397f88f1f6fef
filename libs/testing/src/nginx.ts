import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Program } from '../../../infra/local/debian-program.ts';
import { ManagedProcess } from '../../../infra/local/managed-process.ts';
import { freePort } from '../../../infra/local/ports.ts';
import { ROOT } from '../../../infra/local/run-tool.ts';
import { atEndOfFile } from './cleanup.ts';
import { given } from './environment.ts';
import { showLogsOfFailures } from './failure-logs.ts';

export interface NginxTargets {
  apis: readonly { url: string }[];
  sockets: readonly { url: string }[];
}

/** A running nginx. */
export interface Nginx {
  url: string;
  /** What it noted of every request that has ended: client, route, status, instance. */
  accessLog: () => Promise<string>;
}

/**
 * Starts a real nginx with the configuration of `infra/nginx`, in front of these instances.
 * Only the port, the folder of its files and the places of the apps are others. It ends with
 * the test file.
 */
export async function startNginx(targets: NginxTargets): Promise<Nginx> {
  const { command, env } = JSON.parse(given('TEST_NGINX_PROGRAM')) as Program;
  const folder = await mkdtemp(join(given('TEST_FOLDER'), 'nginx-'));
  const port = await freePort();
  await cp(join(ROOT, 'infra/nginx'), folder, { recursive: true });
  const main = await readFile(join(folder, 'nginx.conf'), 'utf8');
  const log = join(folder, 'access.log');
  await writeFile(
    join(folder, 'nginx.conf'),
    main
      .replace('listen 8080;', `listen 127.0.0.1:${port};`)
      .replaceAll('/tmp/', `${folder}/`)
      // Node gives its children sockets for these, which cannot be opened by a path.
      .replace('/dev/stdout', log)
      .replace('/dev/stderr', 'stderr'),
  );
  const upstreams = await readFile(join(folder, 'upstreams.conf'), 'utf8');
  await writeFile(join(folder, 'upstreams.conf'), withTargets(upstreams, targets));
  const url = `http://127.0.0.1:${port}`;
  const nginx = new ManagedProcess({
    name: 'nginx',
    command,
    args: ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;'],
    env: { ...process.env, ...env },
    isReady: async () => (await fetch(`${url}/livez`, { signal: AbortSignal.timeout(2_000) })).ok,
    readyWithinMs: 20_000,
  });
  atEndOfFile(() => nginx.stop());
  showLogsOfFailures(nginx);
  await nginx.start();
  return { url, accessLog: () => readFile(log, 'utf8') };
}

/** Fixed addresses in place of names that are looked up, for which Debian's nginx is too old. */
function withTargets(upstreams: string, { apis, sockets }: NginxTargets): string {
  const servers = (instances: readonly { url: string }[]) => (_line: string, options: string) =>
    instances.map(({ url }) => `server ${new URL(url).host}${options};`).join('\n  ');
  return upstreams
    .replace(/^resolver .*$/m, '')
    .replaceAll(/server api:3000 resolve(.*);/g, servers(apis))
    .replaceAll(/server socket:3000 resolve(.*);/g, servers(sockets));
}
