import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startSystem, type System } from '#testing';

const WAIT_MS = 30_000;

let system: System;
let browser: Browser;

beforeAll(async () => {
  system = await startSystem({ apis: 0, sockets: 1, env: { ALLOWED_ORIGINS: '*' } });
  await system.add('api', { NODE_ENV: 'development', SOCKET_URLS: system.sockets[0]!.url });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH']!,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
}, 120_000);

afterAll(() => browser?.close());

/** A page, and what it was kept from loading or running. */
async function open(path: string): Promise<{ page: Page; violations: string[] }> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  page.setDefaultTimeout(WAIT_MS);
  const violations: string[] = [];
  await page.exposeFunction('noteViolation', (text: string) => void violations.push(text));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) => {
      const { noteViolation } = globalThis as unknown as { noteViolation: (text: string) => void };
      noteViolation(`${violatedDirective} ${blockedURI} ${sourceFile}`);
    });
  });
  page.on('console', (said) => {
    if (/Content.Security.Policy/i.test(said.text())) violations.push(said.text());
  });
  await page.goto(`${system.api.url}${path}`);
  return { page, violations };
}

describe('the content security policy', { timeout: 120_000 }, () => {
  it('lets the console do all it does', async () => {
    const { page, violations } = await open('/');
    await page.getByLabel('Or any other name').fill('alice');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('Online').first().waitFor();
    for (const name of ['Rooms', 'System']) {
      await page.getByRole('link', { name }).click();
      await page.getByRole('heading').first().waitFor();
    }
    expect(violations).toEqual([]);
  });

  it('lets the page of the routes show them', async () => {
    const { page, violations } = await open('/docs');
    await page.getByText('/v1/actions/batch').first().waitFor();
    await page.locator('.opblock-summary-control').first().click();
    await page.getByRole('button', { name: 'Try it out' }).first().waitFor();
    expect(violations).toEqual([]);
  });

  it('keeps the console from running what was slipped in, and from talking to strangers', async () => {
    const { page, violations } = await open('/');
    await page.evaluate(async (stranger) => {
      const script = document.createElement('script');
      script.textContent = 'globalThis.wasRun = true';
      document.body.append(script);
      await fetch(stranger).catch(() => undefined);
    }, 'http://127.0.0.1:9/stolen');
    expect(await page.evaluate(() => 'wasRun' in globalThis)).toBe(false);
    await expect.poll(() => violations.join('\n')).toMatch(/script-src[^]*connect-src/);
  });
});
