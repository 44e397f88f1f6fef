import { mkdir } from 'node:fs/promises';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSystem, type System } from '#testing';
import { startControlServer } from '../infra/local/control-server.ts';
import { Supervisor } from '../infra/local/supervisor.ts';

const ARTIFACTS = 'artifacts';
const WAIT_MS = 60_000;

let system: System;
let supervisor: Supervisor;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  system = await startSystem({ apis: 0, sockets: 2, env: { ALLOWED_ORIGINS: '*' } });
  supervisor = new Supervisor(() => {});
  for (const app of [...system.sockets, ...system.workers]) supervisor.add(app, 'app');
  const control = await startControlServer(supervisor, () => {});
  const SOCKET_URLS = system.sockets.map(({ url }) => url).join(',');
  await system.add('api', { NODE_ENV: 'development', SOCKET_URLS, SUPERVISOR_URL: control.url });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH']!,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
  page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
  page.setDefaultTimeout(WAIT_MS);
  await mkdir(ARTIFACTS, { recursive: true });
  return () => control.close();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await supervisor?.stop();
});

function instance(name: string): Locator {
  return page.locator(`[data-instance="${name}"]`);
}

async function figure(name: string): Promise<number> {
  return Number(await page.locator(`[data-figure="${name}"]`).textContent());
}

/** Waits until so many more were answered than now. */
async function moreAnswered(count: number): Promise<void> {
  const before = await figure('answered');
  await expect.poll(() => figure('answered'), { timeout: WAIT_MS }).toBeGreaterThan(before + count);
}

async function screenshots(name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${ARTIFACTS}/${name}-${colorScheme}.png`, fullPage: true, animations: 'disabled' });
  }
}

describe('the page of the system', { timeout: 240_000 }, () => {
  it('shows a killed instance go and come back, and every accepted action answered', async () => {
    await page.goto(system.api.url);
    await page.getByRole('button', { name: 'alice' }).click();
    await page.getByRole('link', { name: 'System' }).click();
    const [socket] = system.sockets;
    const [worker] = system.workers;
    for (const app of [socket!, worker!, system.api]) await instance(app.name).getByText('Up').waitFor();
    // The first device.
    await expect
      .poll(() => instance(socket!.name).locator('[data-label="connections"]').textContent(), { timeout: WAIT_MS })
      .toBe('1');
    await expect.poll(() => instance(system.api.name).getByRole('button').count()).toBe(0);

    await page.getByRole('button', { name: 'Keep submitting' }).click();
    await moreAnswered(10);
    await page.getByRole('button', { name: `Kill ${socket!.name}` }).click();
    await page.getByText(`${socket!.name} was killed (SIGKILL).`).waitFor();
    await moreAnswered(10);
    await page.getByRole('button', { name: `Kill ${worker!.name}` }).click();
    await page.getByText(`${worker!.name} was killed (SIGKILL).`).waitFor();
    for (const { name } of [socket!, worker!]) {
      await expect
        .poll(() => instance(name).locator('[data-label="restarts"]').textContent(), { timeout: WAIT_MS })
        .toBe('1');
      await instance(name).getByText('Up').waitFor();
    }
    await moreAnswered(10);
    await screenshots('system');

    await page.getByRole('button', { name: `Restart ${worker!.name}` }).click();
    await expect
      .poll(() => instance(worker!.name).locator('[data-label="restarts"]').textContent(), { timeout: WAIT_MS })
      .toBe('2');
    await page.getByRole('button', { name: 'Stop submitting' }).click();
    await expect.poll(() => figure('open'), { timeout: WAIT_MS }).toBe(0);
  });

  it('fits on a narrow screen, and has no buttons where nobody would start again what is killed', async () => {
    await page.setViewportSize({ width: 380, height: 800 });
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBe(380);
    await screenshots('system-narrow');
    const { url } = await system.add('api', { NODE_ENV: 'development', SOCKET_URLS: system.sockets[0]!.url });
    await page.goto(`${url}/#/system`);
    await page.getByRole('button', { name: 'bob' }).click();
    await instance(system.workers[0]!.name).getByText('Up').waitFor();
    await expect.poll(() => page.getByRole('button', { name: /^(Kill|Restart)/ }).count()).toBe(0);
  });
});

describe('killing and restarting', () => {
  it('needs the scope ops, is about sockets and workers, and does not exist outside of development', async () => {
    const path = '/v1/dev/processes';
    const [anybody, operator] = await Promise.all([
      system.user('anybody'),
      system.user('operator', { scopes: ['ops'] }),
    ]);
    expect((await anybody.call('GET', path)).status).toBe(403);
    expect((await anybody.call('POST', `${path}/${system.workers[0]!.name}/kill`)).status).toBe(403);
    expect((await operator.call('GET', path)).status).toBe(200);
    for (const name of [system.api.name, 'worker-none', '..%2F..%2Fkill']) {
      expect((await operator.call('POST', `${path}/${name}/kill`)).body).toMatchObject({ status: 404 });
    }
    const production = await system.add('api');
    const answer = await fetch(`${production.url}${path}`, { headers: { authorization: `Bearer ${operator.token}` } });
    expect(answer.status).toBe(404);
  });
});
