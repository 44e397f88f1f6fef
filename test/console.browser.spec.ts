import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startSystem, type System } from '#testing';

const ARTIFACTS = 'artifacts';
const WAIT_MS = 15_000;

let system: System;
let browser: Browser;
let page: Page;
/** What the page reports to the browser's console as wrong. */
let wrong: string[];

beforeAll(async () => {
  system = await startSystem({ apis: 0, sockets: 2, env: { ALLOWED_ORIGINS: '*' } });
  const SOCKET_URLS = system.sockets.map(({ url }) => url).join(',');
  await system.add('api', { NODE_ENV: 'development', SOCKET_URLS });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH']!,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  await mkdir(ARTIFACTS, { recursive: true });
}, 120_000);

afterAll(() => browser?.close());

beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(WAIT_MS);
  onTestFinished(() => page.close());
  wrong = [];
  page.on('console', (said) => {
    if (['error', 'warning'].includes(said.type())) wrong.push(said.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  await page.goto(system.api.url);
});

async function signIn(user: string): Promise<void> {
  await page.getByLabel('Or any other name').fill(user);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await bothOnline();
}

async function bothOnline(): Promise<void> {
  for (const title of ['This device', 'Second device'] as const) await device(title).getByText('Online').waitFor();
}

/** A user of this test alone. */
function somebody(): string {
  return `somebody-${randomUUID().slice(0, 8)}`;
}

function device(title: 'This device' | 'Second device'): Locator {
  return page.getByRole('article', { name: title });
}

function message(text: string): Locator {
  return page.getByRole('region', { name: 'Messages' }).getByRole('listitem').filter({ hasText: text });
}

/** Entries of the activity list, by what they say. */
function activity(...words: string[]): Locator {
  let entries = page.getByRole('region', { name: 'Activity' }).locator('[data-status]');
  for (const hasText of words) entries = entries.filter({ hasText });
  return entries;
}

async function heardOnBoth(entry: Locator): Promise<void> {
  for (const { name } of system.sockets) await entry.locator(`[data-instance="${name}"]`).waitFor();
}

async function write(text: string): Promise<void> {
  await page.getByLabel('New message').fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
}

// Generous: a slow machine is no fault of the page.
describe('the console', { timeout: 90_000 }, () => {
  it('shows each action from its 202 to its outcome on both instances, and what was missed as replayed', async () => {
    await page.getByRole('button', { name: 'alice' }).click();
    await bothOnline();
    const [one, two] = system.sockets;
    await device('This device').getByText(one!.name).waitFor();
    await device('Second device').getByText(two!.name).waitFor();

    await write('hello');
    const created = activity('Create message', 'hello', 'Succeeded');
    await heardOnBoth(created);
    expect(await created.textContent()).toMatch(/202\s*in [\d.]+ m?s/);
    await message('hello').getByText('v1').waitFor();

    await message('hello').getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Text of the message').fill('hello again');
    await page.getByRole('button', { name: 'Save' }).click();
    await heardOnBoth(activity('Edit message', 'hello again', 'Succeeded'));
    await message('hello again').getByText('v2').waitFor();

    await write('short-lived');
    await message('short-lived').getByText('v1').waitFor();
    await message('short-lived').getByRole('button', { name: 'Delete' }).click();
    await heardOnBoth(activity('Delete message', 'short-lived', 'Succeeded'));
    await message('short-lived').waitFor({ state: 'detached' });

    await device('This device').getByRole('button', { name: 'Drop' }).click();
    await device('This device').getByText('Offline').waitFor();
    const alice = await system.user('alice');
    await alice.createMessage('sent by REST');
    const missed = activity('Create message', 'sent by REST');
    await missed.locator('[data-device="second"]').waitFor();
    await expect.poll(() => missed.locator('[data-device="first"]').count()).toBe(0);
    await device('This device').getByRole('button', { name: 'Reconnect' }).click();
    await missed.locator('[data-device="first"]').getByText('replayed').waitFor();
    await device('This device').getByText('yes, nothing missed').waitFor();
    await expect.poll(() => missed.locator('[data-device="second"]').getByText('replayed').count()).toBe(0);
    await message('sent by REST').waitFor();

    await page.screenshot({ path: `${ARTIFACTS}/console.png`, fullPage: true });
    expect(wrong).toEqual([]);
  });

  it('is used by the keyboard alone', async () => {
    const user = somebody();
    await page.getByRole('button', { name: 'alice' }).waitFor();
    for (let tabs = 0; tabs < 4; tabs += 1) await page.keyboard.press('Tab');
    await page.keyboard.type(user);
    await page.keyboard.press('Enter');
    await bothOnline();

    await page.keyboard.type('typed');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('on two lines');
    await page.keyboard.press('Enter');
    await heardOnBoth(activity('Create message', 'Succeeded'));
    await message('typed').getByText('v1').waitFor();
    await page
      .getByRole('status')
      .filter({ hasText: /Create message .*: succeeded, heard from socket/s })
      .waitFor();

    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.type(', not kept');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Enter');
    await page.keyboard.type(', edited');
    await page.keyboard.press('Enter');
    await heardOnBoth(activity('Edit message', 'Succeeded'));
    await message('on two lines, edited').getByText('v2').waitFor();
    expect(wrong).toEqual([]);
  });

  it('says in plain words why an edit was not made, and keeps the text', async () => {
    const user = somebody();
    await signIn(user);
    await write('first');
    await message('first').getByText('v1').waitFor();
    await message('first').getByRole('button', { name: 'Edit' }).click();
    const elsewhere = await system.user(user);
    const id = await page.locator('[data-message]').getAttribute('data-message');
    await elsewhere.editMessage(id!, 'changed elsewhere');
    await heardOnBoth(activity('Edit message', 'submitted elsewhere', 'Succeeded'));

    await page.getByLabel('Text of the message').fill('too late');
    await page.keyboard.press('Enter');
    await heardOnBoth(activity('Edit message', 'too late', 'PRECONDITION_FAILED'));
    await message('changed elsewhere').getByText('Your text: “too late”').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await heardOnBoth(activity('Edit message', 'too late', 'Succeeded'));
    await message('too late').getByText('v3').waitFor();
    await page.getByText('Your text').waitFor({ state: 'detached' });
    expect(wrong).toEqual([]);
  });

  it('shows the progress of a long action, and cancels it', async () => {
    await signIn(somebody());
    // Long enough to be cancelled on the slowest machine.
    await page.route('**/v1/drills', (route) => route.continue({ postData: JSON.stringify({ performMs: 60_000 }) }));
    await page.getByRole('button', { name: 'Slow action' }).click();
    await page.waitForFunction(() => (document.querySelector('progress')?.value ?? 0) > 0);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await heardOnBoth(activity('Drill', 'Cancelled'));
    await expect.poll(() => page.locator('progress').count()).toBe(0);
    expect(wrong).toEqual([]);
  });

  it('moves a connection to another instance, and fits on a narrow screen', async () => {
    await page.setViewportSize({ width: 360, height: 780 });
    await signIn(somebody());
    const [one, two] = system.sockets;
    await device('This device').getByText(one!.name).waitFor();
    await device('This device').getByLabel('Socket instance').selectOption(two!.url);
    await device('This device').getByText(two!.name).waitFor();
    await write('heard twice from one instance');
    const entry = activity('Create message', 'Succeeded');
    await expect.poll(() => entry.locator(`[data-instance="${two!.name}"]`).count(), { timeout: WAIT_MS }).toBe(2);
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    expect(wrong).toEqual([]);
  });

  it('replays for a second device that was switched off what it missed, and over a reload forgets nothing', async () => {
    await signIn(somebody());
    const toggle = page.getByRole('checkbox', { name: 'Second device' });
    await toggle.uncheck();
    await device('Second device').waitFor({ state: 'detached' });
    await write('missed');
    await activity('missed', 'Succeeded').waitFor();
    await toggle.check();
    await activity('missed').locator('[data-device="second"]').getByText('replayed').waitFor();

    await page.reload();
    await bothOnline();
    for (const title of ['This device', 'Second device'] as const)
      await device(title).getByText('yes, nothing missed').waitFor();
    await message('missed').getByText('v1').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'alice' }).waitFor();
    expect(wrong).toEqual([]);
  });

  it('takes a token where there are no demo users, and refuses one that is none', async () => {
    // The page talks to the sockets that the api names, and to no others.
    const production = await system.add('api', { SOCKET_URLS: system.sockets[0]!.url });
    const user = await system.user(somebody());
    await page.goto(production.url);
    await page.getByRole('button', { name: 'alice' }).click();
    await page.getByLabel('Token').fill('not a token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('This is no JWT').waitFor();
    await page.getByLabel('Token').fill(user.token);
    await page.getByLabel('Socket URL').fill(system.sockets[0]!.url);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await device('This device').getByText('Online').waitFor();
    await write('by token');
    await activity('Create message', 'Succeeded').waitFor();
    await expect.poll(() => page.getByRole('region', { name: 'Drills' }).count()).toBe(0);
    expect(wrong.filter((text) => !text.includes('404'))).toEqual([]);
  });

  it('says why a message is not accepted', async () => {
    await signIn(somebody());
    await write('x'.repeat(4001));
    await activity('Create message', 'Refused', 'VALIDATION_FAILED').waitFor();
    await message('Not created. Something in it is not allowed: must be a string of 1 to 4000 characters.')
      .getByRole('button', { name: 'Dismiss' })
      .click();
    await page.getByText('You have no messages yet').waitFor();
    expect(wrong.filter((text) => !text.includes('400'))).toEqual([]);
  });
});
