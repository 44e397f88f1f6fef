import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../local/ports.ts';

/** What `npm run ops` says when it fails. */
async function complaintOf(...args: string[]): Promise<string> {
  const run = promisify(execFile)(process.execPath, ['infra/operations/ops.ts', '--token=t', ...args]);
  return run.then(
    ({ stdout }) => {
      throw new Error(`it did not fail: ${stdout}`);
    },
    ({ stderr }: { stderr: string }) => stderr,
  );
}

describe('npm run ops', () => {
  it('says where nobody answers, and why', async () => {
    const port = await freePort();
    expect(await complaintOf(`--api=http://127.0.0.1:${port}`, 'list')).toBe(
      `http://127.0.0.1:${port} cannot be asked (--api or API_URL): connect ECONNREFUSED 127.0.0.1:${port}\n`,
    );
  });

  it.each(['127.0.0.1:3000', 'localhost:3000', 'api'])('does not take %s for a URL', async (api) => {
    expect(await complaintOf(`--api=${api}`, 'list')).toContain('It must be a URL such as http://127.0.0.1:3000');
  });

  it('does not take the page of something else for an answer', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>somebody else</title>');
    });
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await complaintOf(`--api=${api}`, 'show', 'a')).toBe(
      'GET /v1/ops/actions/a was answered 200: <title>somebody else</title>\n',
    );
  });
});
