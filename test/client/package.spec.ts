import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, token, type System } from '#testing';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A program that only has what it would have installed. */
let project: string;
let system: System;

beforeAll(async () => {
  [system] = await Promise.all([
    startSystem({ sockets: 1 }),
    run(process.execPath, ['infra/client/build.ts'], { cwd: ROOT }),
  ]);
  project = await mkdtemp(join(tmpdir(), 'tidings-consumer-'));
  await mkdir(join(project, 'node_modules/@tidings'), { recursive: true });
  await mkdir(join(project, 'node_modules/@types'));
  await symlink(join(ROOT, 'dist/client'), join(project, 'node_modules/@tidings/client'));
  for (const name of ['react', '@types/react', 'csstype']) {
    await symlink(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
}, 120_000);

afterAll(() => rm(project, { recursive: true, force: true }));

async function write(name: string, text: string): Promise<string> {
  const path = join(project, name);
  await writeFile(path, text);
  return path;
}

const PROGRAM = `
async function main() {
  const client = createClient({ ...urls, token: () => jwt });
  await client.connect();
  const { outcome } = await client.messages.create({ text: 'hello' });
  const { status, response } = await outcome();
  const refused = await client.messages.get('missing').catch((error) => error);
  console.log(status, response.text, refused instanceof TidingsError, refused.code, typeof useAction);
  client.close();
}
main();`;

describe('the built package', { timeout: 60_000 }, () => {
  it.each([
    ['import', 'program.mjs', (names: string, from: string) => `import { ${names} } from '${from}';`],
    ['require', 'program.cjs', (names: string, from: string) => `const { ${names} } = require('${from}');`],
  ])('works in Node by %s', async (_, name, load) => {
    const jwt = await token('a-consumer');
    const urls = { baseUrl: system.api.url, socketUrl: system.sockets[0]!.url };
    const text = [
      load('createClient, TidingsError', '@tidings/client'),
      load('useAction', '@tidings/client/react'),
      `const urls = ${JSON.stringify(urls)}, jwt = '${jwt}';`,
      PROGRAM,
    ].join('\n');
    const { stdout } = await run(process.execPath, [await write(name, text)], { cwd: project });
    expect(stdout.trim()).toBe('succeeded hello true NOT_FOUND function');
  });

  // One run of the compiler for both: it takes its time on a busy machine.
  it('has types, for modules and for CommonJS', { timeout: 240_000 }, async () => {
    const consumer = `
      import { createClient, fileStorage, type Action, type Message } from '@tidings/client';
      import { useAction, usePendingActions } from '@tidings/client/react';

      export async function main(): Promise<string> {
        const client = createClient({ baseUrl: 'http://x', token: async () => 'jwt', storage: fileStorage('file') });
        const { outcome } = await client.messages.create({ text: 'hello', roomId: 'room' }, { id: 'chosen' });
        const done: Action<Message> = await outcome();
        await client.rooms.addMember('room', 'bob', { ifMatch: 1 });
        for await (const { data } of client.outcomes()) console.log(data.error?.code);
        for await (const { type } of client.room('room').subscribe().events()) console.log(type);
        // @ts-expect-error: a message has no such field
        await client.messages.create({ txt: 'hello' });
        // @ts-expect-error: an announcement is not edited
        await client.announcements.edit('id', {});
        return done.response!.text;
      }

      export function useText(): string | undefined {
        const { run, action } = useAction((text: string) => createClient({ baseUrl: '', token: () => '' }).messages.create({ text }));
        void run('hello');
        return action?.response?.text ?? usePendingActions()[0]?.type;
      }`;
    const files = await Promise.all(['consumer.mts', 'consumer.cts'].map((name) => write(name, consumer)));
    const strict = ['--strict', '--noEmit', '--skipDefaultLibCheck', '--target', 'es2024', '--module', 'nodenext'];
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const compiled = run(process.execPath, [compiler, ...strict, ...files], { cwd: project });
    await expect(compiled.catch(({ stdout }: { stdout: string }) => ({ stdout }))).resolves.toMatchObject({
      stdout: '',
    });
  });
});
