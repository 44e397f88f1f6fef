import { randomUUID } from 'node:crypto';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { startSystem, type System, type TestUser } from '#testing';

const WAIT_MS = 30_000;

/** A system whose api has demo users and the console. */
export async function startConsole(): Promise<System> {
  const system = await startSystem({ apis: 0, sockets: 2, env: { ALLOWED_ORIGINS: '*' } });
  const SOCKET_URLS = system.sockets.map(({ url }) => url).join(',');
  await system.add('api', { NODE_ENV: 'development', SOCKET_URLS });
  return system;
}

export interface VisitOptions extends BrowserContextOptions {
  /** The user (default: one of this test alone). */
  name?: string;
  /** Where the page is (default: at the api). */
  url?: string;
  /** Before the page is opened. */
  prepare?: (page: Page) => Promise<unknown>;
}

/** Somebody with a browser of their own, at the console. */
export class Visitor {
  readonly page: Page;
  readonly user: TestUser;
  /** What the page reports to the browser's console as wrong. */
  readonly wrong: string[] = [];

  constructor(page: Page, user: TestUser) {
    this.page = page;
    this.user = user;
    page.setDefaultTimeout(WAIT_MS);
    page.on('pageerror', (error) => this.wrong.push(String(error)));
    page.on('console', (said) => {
      if (['error', 'warning'].includes(said.type())) this.wrong.push(said.text());
    });
  }

  static async come<Kind extends Visitor>(
    this: new (page: Page, user: TestUser) => Kind,
    browser: Browser,
    system: System,
    { url, prepare, name = `somebody-${randomUUID().slice(0, 8)}`, ...options }: VisitOptions = {},
  ): Promise<Kind> {
    const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, ...options });
    onTestFinished(() => context.close());
    const visitor = new this(await context.newPage(), await system.user(name));
    await prepare?.(visitor.page);
    await visitor.page.goto(url ?? system.api.url);
    return visitor;
  }

  async signIn(): Promise<void> {
    await this.page.getByLabel('Or any other name').fill(this.user.id);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await this.bothOnline();
  }

  async bothOnline(): Promise<void> {
    for (const name of ['This device', 'Second device']) {
      await this.page.getByRole('article', { name }).getByText('Online').waitFor();
    }
  }

  async goTo(name: 'Messages' | 'Rooms' | 'System'): Promise<void> {
    const link = this.page.getByRole('navigation').getByRole('link', { name });
    await link.click();
    await link.and(this.page.locator('[aria-current="page"]')).waitFor();
  }

  region(name: string): Locator {
    return this.page.getByRole('region', { name, exact: true });
  }

  /** Opens a room of the list. */
  async openRoom(name: string): Promise<void> {
    await this.goTo('Rooms');
    await this.region('Rooms').getByRole('link', { name }).click();
    await this.region(name).waitFor();
  }

  message(text: string): Locator {
    return this.page.locator('[data-message]').filter({ hasText: text });
  }

  async write(text: string): Promise<void> {
    await this.page.getByLabel('New message').fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Entries of the activity list, by what they say. */
  activity(...words: string[]): Locator {
    let entries = this.region('Activity').locator('[data-status]');
    for (const hasText of words) entries = entries.filter({ hasText });
    return entries;
  }

  /** The element that has the focus: its id, else its name in HTML. */
  focused(): Promise<string> {
    return this.page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName || '');
  }
}
