import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { System } from '#testing';
import { launchChromium } from '../client/site.ts';
import { done } from '../rooms/room.ts';
import { startConsole, Visitor } from './visitor.ts';

let system: System;
let browser: Browser;

beforeAll(async () => {
  [system, browser] = await Promise.all([startConsole(), launchChromium()]);
}, 120_000);

afterAll(() => browser?.close());

describe('messages in the console', { timeout: 120_000 }, () => {
  it('have a date when they are not of today', async () => {
    const visitor = await Visitor.come(browser, system);
    await done(visitor.user, 'POST', '/v1/messages', { text: 'long ago' });
    await visitor.page.route('**/v1/messages?*', async (route) => {
      const response = await route.fetch();
      const text = (await response.text()).replaceAll(/"updatedAt":"\d+/g, '"updatedAt":"2020');
      await route.fulfill({ response, body: text });
    });
    await visitor.signIn();
    await visitor.message('long ago').getByText('2020').waitFor();
    await visitor.write('just now');
    await visitor.message('just now').getByText('v1').waitFor();
    const year = String(new Date().getFullYear());
    await expect.poll(() => visitor.message('just now').textContent()).not.toContain(year);
  });

  it('begin at the right in scripts that do', async () => {
    const visitor = await Visitor.come(browser, system);
    await visitor.signIn();
    const field = visitor.page.getByLabel('New message');
    await field.fill('שלום עולם!');
    await visitor.page.keyboard.press('Enter');
    await visitor.message('שלום').getByText('v1').waitFor();
    const gap = await visitor.message('שלום').evaluate((item) => {
      const text = item.querySelector('.text')!;
      const range = document.createRange();
      range.selectNodeContents(text);
      return text.getBoundingClientRect().right - range.getBoundingClientRect().right;
    });
    expect(gap).toBeLessThan(2);
  });

  it('are not read out in full for each of their buttons, nor for their outcome', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.write('long '.repeat(700));
    await visitor.message('long').getByText('v1').waitFor();
    const names = await page.getByRole('button', { name: /^(Edit|Delete)/ }).allTextContents();
    expect(names).toHaveLength(2);
    for (const name of names) expect(name.length).toBeLessThan(100);
    const said = page.getByRole('status').filter({ hasText: 'Create message' });
    expect((await said.textContent())!.length).toBeLessThan(200);
  });

  it('go away one by one without the page moving under one’s hand', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    for (let index = 0; index < 8; index += 1) {
      await done(user, 'POST', '/v1/messages', { text: `${index} ${'line\n'.repeat(8)}` });
    }
    await visitor.signIn();
    const last = visitor.message('0 line');
    await last.scrollIntoViewIfNeeded();
    const before = await page.evaluate(() => scrollY);
    expect(before).toBeGreaterThan(0);
    await last.getByRole('button', { name: /^Delete/ }).click();
    await last.waitFor({ state: 'detached' });
    expect(await page.evaluate(() => scrollY)).toBeGreaterThan(before / 2);
    await expect.poll(() => visitor.focused()).toBe('messages-title');
  });

  it('that were refused can be amended, and keep nothing of what was refused', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.write('endless '.repeat(600));
    const refused = visitor.message('endless');
    await refused.getByText('Not created.').waitFor();
    await refused.getByRole('button', { name: 'Change the text' }).click();
    const editor = page.getByLabel('Text of the message');
    await expect.poll(() => editor.inputValue()).toBe('endless '.repeat(600));
    await expect.poll(() => page.getByRole('button', { name: 'Change the text' }).count()).toBe(0);
    await editor.fill('endless no more');
    await page.keyboard.press('Enter');
    await visitor.message('endless no more').getByText('v1').waitFor();
    await expect.poll(() => visitor.message('endless').count()).toBe(1);
    await expect.poll(() => page.getByText('Not created.').count()).toBe(0);
  });

  it('stay in their editor when they are deleted elsewhere, and can be written anew', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    const [first, second] = ['first', 'second'].map((text) => done(user, 'POST', '/v1/messages', { text }));
    const ids = [(await first!).resource.id, (await second!).resource.id];
    await visitor.signIn();
    for (const text of ['first', 'second']) {
      await visitor.message(text).getByRole('button', { name: /^Edit/ }).click();
      await visitor.goTo('Rooms');
      await visitor.goTo('Messages');
    }
    const editors = page.getByLabel('Text of the message');
    await expect.poll(() => editors.count()).toBe(2);
    await editors.first().fill('half a thought');
    for (const id of ids) await done(user, 'DELETE', `/v1/messages/${id}`);
    await expect.poll(() => page.getByText('It has been deleted in the meantime').count()).toBe(2);
    await editors.first().press('Enter');
    await visitor.message('half a thought').getByText('v1').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => page.locator('[data-message]').count()).toBe(1);
    await expect.poll(() => visitor.focused()).toBe('messages-title');
    expect(visitor.wrong).toEqual([]);
  });
});
