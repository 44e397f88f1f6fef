import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TidingsClient } from '#client';
import type { Envelope } from '#contracts';
import { eventually, startSystem, type System, type TestUser } from '#testing';
import { bundleOf, launchChromium, startSite } from './site.ts';

/** The page's own variables. */
declare const client: TidingsClient;

let system: System;
let browser: Browser;
let bundle: string;

beforeAll(async () => {
  [system, bundle, browser] = await Promise.all([
    startSystem({ sockets: 1, env: { ALLOWED_ORIGINS: '*' } }),
    bundleOf('libs/client/src/index.ts'),
    launchChromium(),
  ]);
});

afterAll(() => browser?.close());

/** A page whose client keeps what it has to in the tab; what it hears is kept there, too. */
async function openPage(user: TestUser): Promise<Page> {
  const options = { baseUrl: system.api.url, socketUrl: system.sockets[0]!.url };
  const script = `
    import { createClient, sessionStorageOf } from '/client.js';
    const heard = JSON.parse(sessionStorage.getItem('heard') ?? '[]');
    globalThis.client = createClient({
      ...${JSON.stringify(options)},
      token: () => ${JSON.stringify(user.token)},
      storage: sessionStorageOf('tidings'),
    });
    client.on('outcome', ({ offset }) => {
      heard.push(offset);
      sessionStorage.setItem('heard', JSON.stringify(heard));
    });
    client.connect();`;
  const url = await startSite({
    '/': { type: 'text/html', text: `<title>Page</title><script type="module">${script}</script>` },
    '/client.js': { type: 'text/javascript', text: bundle },
  });
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(url);
  await isOnline(page);
  return page;
}

async function isOnline(page: Page): Promise<void> {
  await page.waitForFunction(() => client.state === 'online', undefined, { timeout: 15_000 });
}

async function heardOf(page: Page): Promise<number[]> {
  return page.evaluate(() => JSON.parse(sessionStorage.getItem('heard') ?? '[]') as number[]);
}

// Generous: a slow machine is no fault of the client.
describe('the client in a page', { timeout: 90_000 }, () => {
  it('hears each outcome once and in order, however often the page is reloaded', async () => {
    const user = await system.user(`reloading-${randomUUID()}`);
    const page = await openPage(user);
    for (let reload = 0; reload < 3; reload += 1) {
      await page.evaluate(async () => {
        const submits = Array.from({ length: 15 }, (_, index) => client.messages.create({ text: `${index}` }));
        await submits[7];
      });
      await page.reload();
      await user.createMessage('from elsewhere');
      await isOnline(page);
    }
    const { resource } = await user.createMessage('the last');
    await eventually(
      async () => {
        const { body } = await user.call<{ data: Envelope[] }>('GET', '/v1/outcomes?after=0&limit=500');
        expect(body.data.at(-1)?.subject).toBe(`messages/${resource.id}`);
        expect(await heardOf(page)).toEqual(body.data.map(({ offset }) => offset));
      },
      { timeoutMs: 20_000, everyMs: 100 },
    );
    expect((await heardOf(page)).length).toBeGreaterThan(3 * 8);
  });

  it('knows its unanswered actions after a reload, and their outcomes', async () => {
    const page = await openPage(await system.user(`unanswered-${randomUUID()}`));
    const id = await page.evaluate(async () => {
      const { action } = await client.resource('drills').create({ performMs: 2_000 });
      return action.id;
    });
    await page.reload();
    const pending = await page.evaluate(() => client.pending.map(({ action }) => action!.id));
    expect(pending).toEqual([id]);
    expect(await page.evaluate(() => client.pending[0]!.outcome())).toMatchObject({ id, status: 'succeeded' });
    expect(await page.evaluate(() => client.pending.length)).toBe(0);
  });
});
