import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { System } from '#testing';
import { launchChromium } from '../client/site.ts';
import { startConsole, Visitor } from './visitor.ts';

let system: System;
let browser: Browser;

beforeAll(async () => {
  [system, browser] = await Promise.all([startConsole(), launchChromium()]);
}, 120_000);

afterAll(() => browser?.close());

describe('the console in trouble', { timeout: 120_000 }, () => {
  it('signs in again when it could not once, and stays connected', async () => {
    let signIns = 0;
    let sockets = 0;
    const visitor = await Visitor.come(browser, system, {
      prepare: (page) => {
        page.on('websocket', () => (sockets += 1));
        // The first one is that of the form.
        return page.route('**/v1/dev/sign-in', (route) =>
          [2, 3].includes((signIns += 1)) ? route.abort() : route.continue(),
        );
      },
    });
    await visitor.signIn();
    await visitor.goTo('System');
    await visitor.page.locator(`[data-instance="${system.api.name}"]`).getByText('Up').waitFor();
    expect(signIns).toBeGreaterThanOrEqual(4);
    await visitor.goTo('Messages');
    await visitor.page.getByRole('button', { name: 'Slow action' }).click();
    await visitor.activity('Drill', 'Succeeded').waitFor();
    expect(sockets).toBe(2);
    expect(visitor.wrong.filter((text) => !/ERR_FAILED|404/.test(text))).toEqual([]);
  });

  it('writes where the browser takes the origin for insecure: by plain HTTP from another machine', async () => {
    const strange = await chromium.launch({
      executablePath: process.env['CHROMIUM_PATH']!,
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--host-resolver-rules=MAP tidings.test 127.0.0.1'],
    });
    onTestFinished(() => strange.close());
    const url = system.api.url.replace('127.0.0.1', 'tidings.test');
    const visitor = await Visitor.come(strange, system, { url });
    await visitor.signIn();
    expect(await visitor.page.evaluate(() => isSecureContext)).toBe(false);
    await visitor.write('hello');
    await visitor.message('hello').getByText('v1').waitFor();
    await visitor.goTo('System');
    await visitor.page.getByRole('button', { name: 'Keep submitting' }).click();
    await expect.poll(() => visitor.page.locator('[data-figure="answered"]').textContent()).not.toBe('0');
    expect(visitor.wrong.filter((text) => !/Cross-Origin-Opener-Policy|404/.test(text))).toEqual([]);
  });

  it('works where the browser keeps nothing for it, and says so', async () => {
    const visitor = await Visitor.come(browser, system, {
      prepare: (page) =>
        page.addInitScript(() => {
          const get = (): never => {
            throw new DOMException('Access is denied', 'SecurityError');
          };
          Object.defineProperty(globalThis, 'sessionStorage', { get });
        }),
    });
    await visitor.signIn();
    await visitor.write('not kept');
    await visitor.message('not kept').getByText('v1').waitFor();
    await visitor.page.getByText('The browser keeps nothing for this page').first().waitFor();
    await visitor.goTo('Rooms');
    await visitor.page.getByText('You are in no room yet').waitFor();
    expect(visitor.wrong).toEqual([]);
  });

  it('does not offer to sign in to who is signed in, while a slow reload does it', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.goTo('System');
    await expect.poll(() => page.title()).toBe('System · Tidings');
    const answered = Promise.withResolvers<void>();
    await page.route('**/v1/dev/sign-in', async (route) => {
      await answered.promise;
      await route.continue();
    });
    await page.reload();
    await page.getByText(`Signing in as ${visitor.user.id}`).waitFor();
    await expect.poll(() => page.getByRole('button').count()).toBe(0);
    answered.resolve();
    await page.getByRole('heading', { name: 'Instances' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'alice' }).waitFor();
    await expect.poll(() => page.title()).toBe('Tidings console');
  });

  it('knows what it had submitted before a reload, and says why it cannot be cancelled', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page } = visitor;
    await visitor.signIn();
    // Long enough to be cancelled on the slowest machine.
    await page.route('**/v1/drills', (route) => route.continue({ postData: JSON.stringify({ performMs: 60_000 }) }));
    await page.getByRole('button', { name: 'Slow action' }).click();
    await visitor.activity('Drill', 'Running').waitFor();
    await page.reload();
    await visitor.bothOnline();
    await visitor.activity('Drill', 'Running').waitFor();

    const body = { type: 'about:blank', title: 'Forbidden', status: 403, code: 'FORBIDDEN', detail: 'Not you' };
    await page.route('**/v1/actions/*', (route) => route.fulfill({ status: 403, json: body }));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await visitor.activity('Drill', 'You are not allowed to do this.').waitFor();
    await page.unroute('**/v1/actions/*');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await visitor.activity('Drill', 'Cancelled').waitFor();
    await expect.poll(() => visitor.activity().count()).toBe(1);
    await expect.poll(() => visitor.activity('submitted elsewhere').count()).toBe(0);
    await expect.poll(() => visitor.focused()).toBe('activity-title');
    expect(visitor.wrong.filter((text) => !text.includes('403'))).toEqual([]);
  });

  it('asks for outcomes that no connection tells, and says which are not known any more', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page } = visitor;
    await visitor.signIn();
    for (const drop of await page.getByRole('button', { name: 'Drop' }).all()) await drop.click();
    await visitor.write('unheard');
    await visitor.activity('unheard', 'Succeeded').waitFor();
    await visitor.message('unheard').getByText('v1').waitFor();

    const body = { type: 'about:blank', title: 'Not Found', status: 404, code: 'NOT_FOUND', detail: 'No such action' };
    await page.route('**/v1/actions/*', (route) => route.fulfill({ status: 404, json: body }));
    await page.getByRole('button', { name: 'Slow action' }).click();
    await visitor.activity('Drill', 'Lost').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Cancel' }).count()).toBe(0);
  });

  it('takes a message that was created for created, also when the answer to the submit was lost', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page } = visitor;
    await visitor.signIn();
    await page.route('**/v1/messages', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await route.fetch();
      await visitor.activity('submitted elsewhere').waitFor();
      await route.fulfill({ status: 500, body: '<h1>Bad day</h1>' });
    });
    await visitor.write('came through');
    await visitor.activity('came through', 'Refused').waitFor();
    await visitor.message('came through').getByText('v1').waitFor();
    await expect.poll(() => page.getByText('Not created.').count()).toBe(0);
  });

  it('says that the system does not answer, also when it hangs', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.goTo('System');
    await page.locator(`[data-instance="${system.api.name}"]`).getByText('Up').waitFor();
    // Never answered.
    await page.route('**/v1/stats', () => undefined);
    await page.getByText('The server cannot be reached.').waitFor();
    await page.unroute('**/v1/stats');
    await page.getByText('The server cannot be reached.').waitFor({ state: 'detached' });
    expect(visitor.wrong.filter((text) => !text.includes('404'))).toEqual([]);
  });

  it('keeps what is being written while one looks elsewhere', async () => {
    const visitor = await Visitor.come(browser, system);
    await visitor.signIn();
    const field = visitor.page.getByLabel('New message');
    await field.fill('half a thought');
    await visitor.goTo('System');
    await visitor.goTo('Messages');
    await expect.poll(() => field.inputValue()).toBe('half a thought');
  });
});
