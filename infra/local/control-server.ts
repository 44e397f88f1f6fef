import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Supervisor } from './supervisor.ts';

export interface ControlServer {
  /** With a secret in its path: who does not know it gets 404 from everything. */
  url: string;
  close(): void;
}

type Verb = 'kill' | 'restart';

/**
 * Lets the api of `npm start` list, kill and restart the apps:
 * `GET <url>/processes`, `POST <url>/processes/<name>/kill|restart`. Reached from this machine only.
 */
export async function startControlServer(supervisor: Supervisor, say: (line: string) => void): Promise<ControlServer> {
  const base = `/${randomBytes(24).toString('hex')}`;
  const busy = new Set<string>();

  /** Answers before it is done: a restart takes as long as the app takes to drain. */
  function run(verb: Verb, name: string): void {
    busy.add(name);
    say(`${name}: ${verb}`);
    void supervisor[verb](name)
      .catch((error: Error) => say(error.message))
      .finally(() => busy.delete(name));
  }

  function answer({ method, url = '' }: IncomingMessage, response: ServerResponse): void {
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const apps = supervisor.list().filter(({ group }) => group === 'app');
    if (method === 'GET' && url === `${base}/processes`) return send(200, { data: apps });
    const [, name, verb] = /\/processes\/([\w-]+)\/(kill|restart)$/.exec(url) ?? [];
    const isKnown = url === `${base}/processes/${name}/${verb}` && apps.some((app) => app.name === name);
    if (method !== 'POST' || !isKnown) return send(404, {});
    // A process that is ended and started twice at a time would be there twice.
    if (busy.has(name!)) return send(409, {});
    run(verb as Verb, name!);
    return send(202, {});
  }

  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
