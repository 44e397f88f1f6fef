import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { System, TestUser } from '#testing';
import { launchChromium } from '../client/site.ts';
import { done, newRoom } from '../rooms/room.ts';
import { startConsole, Visitor } from './visitor.ts';

let system: System;
let browser: Browser;

beforeAll(async () => {
  [system, browser] = await Promise.all([startConsole(), launchChromium()]);
}, 120_000);

afterAll(() => browser?.close());

async function submitAll(user: TestUser, actions: object[]): Promise<void> {
  const answer = await user.call('POST', '/v1/actions/batch', { body: { actions } });
  expect(answer.status).toBe(202);
}

/** Waits until everything that a user has submitted is done. */
async function settled(user: TestUser): Promise<void> {
  const statuses = ['pending', 'running'];
  const open = async (): Promise<number> => {
    const pages = await Promise.all(
      statuses.map((status) => user.call<{ data: unknown[] }>('GET', `/v1/actions?status=${status}&limit=1`)),
    );
    return pages.reduce((sum, { body }) => sum + body.data.length, 0);
  };
  await expect.poll(open).toBe(0);
}

function numbered(roomId: string, count: number): object[] {
  return Array.from({ length: count }, (_, index) => ({
    type: 'messages.create',
    payload: { text: `number ${index}`, roomId },
  }));
}

describe('rooms in the console', { timeout: 180_000 }, () => {
  it('are read when they are opened, and heard before', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    const other = await system.user('other');
    const id = await newRoom(user, [other], 'The first of many');
    await submitAll(
      user,
      Array.from({ length: 60 }, (_, index) => ({ type: 'rooms.create', payload: { name: `Room ${index}` } })),
    );
    await expect
      .poll(async () => (await user.call<{ data: [] }>('GET', '/v1/rooms?limit=100')).body.data.length)
      .toBe(61);
    const read: string[] = [];
    page.on('request', (request) => {
      if (/roomId=|\/members\?/.test(request.url())) read.push(request.url());
    });
    await visitor.signIn();
    await visitor.goTo('Rooms');
    await expect.poll(() => visitor.region('Rooms').getByRole('link').count()).toBe(61);
    await expect
      .poll(async () => {
        await done(other, 'POST', '/v1/messages', { text: 'heard', roomId: id });
        return visitor.region('Rooms').getByText('unread').count();
      })
      .toBe(1);
    expect(read).toEqual([]);
    await visitor.openRoom('The first of many');
    await visitor.message('heard').first().waitFor();
    await page.locator(`[data-member="${user.id}"][data-presence="here"]`).waitFor();
    expect(visitor.wrong).toEqual([]);
  });

  it('show how much is unread, however long their name is', async () => {
    const visitor = await Visitor.come(browser, system, { viewport: { width: 360, height: 740 } });
    const { page, user } = visitor;
    const other = await system.user('other');
    const id = await newRoom(other, [user], 'A name of many words '.repeat(6).trim());
    await visitor.signIn();
    await visitor.goTo('Rooms');
    const count = visitor.region('Rooms').getByRole('link').getByText('unread');
    await expect
      .poll(async () => {
        await done(other, 'POST', '/v1/messages', { text: 'hello', roomId: id });
        return count.count();
      })
      .toBe(1);
    const { x, width } = (await count.locator('..').boundingBox())!;
    const list = (await visitor.region('Rooms').boundingBox())!;
    expect(x + width).toBeLessThan(list.x + list.width);
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  });

  it('go from the list when they were deleted while one was away', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    const other = await system.user('other');
    const id = await newRoom(other, [user], 'Doomed');
    await visitor.signIn();
    await visitor.openRoom('Doomed');
    await page.locator(`[data-member="${user.id}"][data-presence="here"]`).waitFor();
    await page.getByRole('button', { name: 'Drop connection' }).click();
    // Who comes and goes is not heard now.
    await page.locator('[data-presence]').first().waitFor({ state: 'detached' });
    await done(other, 'DELETE', `/v1/rooms/${id}`);
    await page.getByRole('button', { name: 'Reconnect' }).click();
    await page.getByText('“Doomed”').waitFor();
    await visitor.region('Doomed').waitFor({ state: 'detached' });
    expect(visitor.wrong).toEqual([]);
  });

  it('show older messages without losing one’s place, and never more at once than a page can bear', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    const id = await newRoom(user, [], 'Busy');
    await submitAll(user, numbered(id, 120));
    await settled(user);
    await visitor.signIn();
    await visitor.openRoom('Busy');
    await expect.poll(() => page.locator('[data-message]').count()).toBe(50);
    const older = page.getByRole('button', { name: 'Show older ones' });
    await older.scrollIntoViewIfNeeded();
    const first = page.locator(
      `[data-message="${await page.locator('[data-message]').first().getAttribute('data-message')}"]`,
    );
    const before = (await first.boundingBox())!.y;
    await older.focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('[data-message]').count()).toBe(100);
    expect(Math.abs((await first.boundingBox())!.y - before)).toBeLessThan(50);
    await older.focus();
    await page.keyboard.press('Enter');
    await older.waitFor({ state: 'detached' });
    await expect.poll(() => visitor.focused()).toBe('room-title');
    expect(Math.abs((await first.boundingBox())!.y - before)).toBeLessThan(50);

    await visitor.write('now a flood');
    await submitAll(user, numbered(id, 300));
    await expect.poll(() => page.locator('[data-offset]').first().textContent(), { timeout: 60_000 }).toContain('#422');
    await expect.poll(() => page.locator('[data-message]').count()).toBeLessThan(150);
    await visitor.write('the last word');
    await visitor.message('the last word').getByText('v1').waitFor();
    await older.scrollIntoViewIfNeeded();
    const shown = await page.locator('[data-message]').count();
    await older.click();
    await expect.poll(() => page.locator('[data-message]').count()).toBeGreaterThan(shown);
    expect(visitor.wrong).toEqual([]);
  });

  it('are managed by the keyboard: the focus stays near what went away', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    await newRoom(user, [await system.user('other')], 'Keys');
    await visitor.signIn();
    await visitor.openRoom('Keys');
    await page.getByRole('button', { name: 'Remove other' }).press('Enter');
    await page.locator('[data-member="other"]').waitFor({ state: 'detached' });
    await expect.poll(() => visitor.focused()).toBe('members-title');
    await page.getByRole('button', { name: 'Delete room' }).press('Enter');
    await page.getByRole('button', { name: 'Keep' }).and(page.locator(':focus')).press('Enter');
    await page.getByRole('button', { name: 'Delete room' }).and(page.locator(':focus')).press('Enter');
    await page.getByRole('button', { name: 'Delete', exact: true }).press('Enter');
    await visitor.region('Keys').waitFor({ state: 'detached' });
    await expect.poll(() => visitor.focused()).toBe('rooms-title');
    expect(visitor.wrong).toEqual([]);
  });

  it('keep a member who could not be added once more', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    await newRoom(user, [await system.user('other')], 'Twice');
    await visitor.signIn();
    await visitor.openRoom('Twice');
    await page.locator('[data-member="other"]').waitFor();
    const body = { type: 'about:blank', title: 'Forbidden', status: 403, code: 'FORBIDDEN', detail: 'Not you' };
    await page.route('**/members/*', (route) => route.fulfill({ status: 403, json: body }));
    await page.getByLabel('Name of the new member').fill('other');
    await page.keyboard.press('Enter');
    await page.locator('[data-member="other"]').getByText('Not added.').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByText('Not added.').waitFor({ state: 'detached' });
    await expect.poll(() => page.locator('[data-member="other"]').count()).toBe(1);
  });

  it('say that their members could not be read, and read them again', async () => {
    const visitor = await Visitor.come(browser, system);
    const { page, user } = visitor;
    await newRoom(user, [], 'Half read');
    await visitor.signIn();
    await page.route('**/members?*', (route) => route.abort());
    await visitor.openRoom('Half read');
    await page.getByText('The room cannot be shown.').waitFor();
    await page.unroute('**/members?*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator(`[data-member="${user.id}"][data-presence="here"]`).waitFor();
    await expect.poll(() => page.getByText('The room cannot be shown.').count()).toBe(0);
  });
});
