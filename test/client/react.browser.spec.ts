import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { eventually, startSystem, type System, type TestUser } from '#testing';
import type { Action } from '#contracts';
import { bundleOf, launchChromium, startSite } from './site.ts';

let system: System;
let browser: Browser;
let bundle: string;

beforeAll(async () => {
  [system, bundle, browser] = await Promise.all([
    startSystem({ sockets: 1, env: { ALLOWED_ORIGINS: '*' } }),
    bundleOf('test/client/react-page.ts'),
    launchChromium(),
  ]);
});

afterAll(() => browser?.close());

interface Scene {
  page: Page;
  user: TestUser;
  roomId: string;
  /** What went wrong in the page. */
  errors: string[];
}

async function submit(user: TestUser, path: string, body: object): Promise<string> {
  const { body: action } = await user.call<Action>('POST', path, { body, headers: { prefer: 'wait=20' } });
  expect(action.status).toBe('succeeded');
  return action.resource.id;
}

async function openPage(): Promise<Scene> {
  const user = await system.user(`react-${randomUUID()}`);
  const roomId = await submit(user, '/v1/rooms', { name: 'a room' });
  const options = { baseUrl: system.api.url, socketUrl: system.sockets[0]!.url, jwt: user.token, roomId };
  const url = await startSite({
    '/': {
      type: 'text/html',
      text: `<title>Page</title><div id="root"></div>
        <script>globalThis.options = ${JSON.stringify(options)}</script><script type="module" src="/page.js"></script>`,
    },
    '/page.js': { type: 'text/javascript', text: bundle },
  });
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    const isOurs = message.type() === 'error' && !message.text().includes('Failed to load resource');
    if (isOurs) errors.push(message.text());
  });
  await page.goto(url);
  await shows(page, 'state', 'online');
  await shows(page, 'room', 'live');
  return { page, user, roomId, errors };
}

async function shows(page: Page, id: string, text: string): Promise<void> {
  await eventually(async () => expect(await page.textContent(`#${id}`)).toBe(text), {
    timeoutMs: 15_000,
    everyMs: 50,
  });
}

// Generous: a slow machine is no fault of the client.
describe('the hooks of React, in strict mode', { timeout: 90_000 }, () => {
  it('show an action from the submit to its outcome', async () => {
    const { page, errors } = await openPage();
    await shows(page, 'message', 'idle');
    await page.click('#send');
    await shows(page, 'message', 'done hello');
    await shows(page, 'pending', '');
    await page.click('#send-empty');
    await shows(page, 'message', 'refused');
    await shows(page, 'error', 'VALIDATION_FAILED');
    await page.click('#forget');
    await shows(page, 'message', 'idle');
    expect(errors).toEqual([]);
  });

  it('show what is pending, over a reload too, until it has its outcome', async () => {
    const { page, errors } = await openPage();
    await page.click('#begin');
    // What has no 202 yet is not kept.
    await shows(page, 'drill', 'pending pending');
    await page.reload();
    await shows(page, 'pending', 'drills.create');
    await page.evaluate(() => client.actions.cancel(client.pending[0]!.action!.id));
    await shows(page, 'pending', '');
    await page.click('#begin');
    await shows(page, 'drill', 'pending pending');
    await page.click('#cancel');
    await shows(page, 'drill', 'done cancelled');
    expect(errors).toEqual([]);
  });

  it('hear each outcome and each event of a room once, also after they were unmounted', async () => {
    const { page, user, roomId, errors } = await openPage();
    await submit(user, '/v1/messages', { text: 'one', roomId });
    await shows(page, 'heard', 'one');
    // The first outcome is of the room itself, before the page was there.
    await shows(page, 'outcomes', '2');
    await page.click('#toggle');
    await page.waitForSelector('#heard', { state: 'detached' });
    await submit(user, '/v1/messages', { text: 'two', roomId });
    await page.click('#toggle');
    await shows(page, 'heard', 'two');
    await submit(user, '/v1/messages', { text: 'three', roomId });
    await shows(page, 'heard', 'two,three');
    await shows(page, 'outcomes', '4');
    expect(errors).toEqual([]);
  });
});
