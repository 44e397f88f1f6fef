import { mkdir } from 'node:fs/promises';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { System } from '#testing';
import { launchChromium } from './client/site.ts';
import { startConsole, Visitor, type VisitOptions } from './console/visitor.ts';
import { done, newRoom } from './rooms/room.ts';

const ARTIFACTS = 'artifacts';

let system: System;
let browser: Browser;

beforeAll(async () => {
  [system, browser] = await Promise.all([startConsole(), launchChromium()]);
  await mkdir(ARTIFACTS, { recursive: true });
}, 120_000);

afterAll(() => browser?.close());

/** Somebody with a browser of their own, who looks at a room. */
class RoomVisitor extends Visitor {
  /** @param socket index of the instance that serves the browser */
  static async enter(name: string, socket: number, options: VisitOptions = {}): Promise<RoomVisitor> {
    const visitor = await RoomVisitor.come(browser, system, { name, ...options });
    // A page that is left, or changes, while it connects is warned of by the browser.
    await visitor.signIn();
    await visitor.goTo('Rooms');
    const connection = visitor.region('Connection');
    await connection.getByText('Online').waitFor();
    await connection.getByLabel('Socket instance').selectOption(system.sockets[socket]!.url);
    await connection.getByText('Online').waitFor();
    await connection.getByText(system.sockets[socket]!.name).waitFor();
    return visitor;
  }

  async createRoom(name: string): Promise<void> {
    await this.page.getByLabel('Name of the new room').fill(name);
    await this.page.getByRole('button', { name: 'Create' }).click();
    await this.region(name).waitFor();
  }

  async addMember(name: string): Promise<void> {
    await this.page.getByLabel('Name of the new member').fill(name);
    await this.page.getByRole('button', { name: 'Add', exact: true }).click();
    await this.member(name).waitFor();
  }

  member(name: string): Locator {
    return this.page.locator(`[data-member="${name}"]:not(.pending)`);
  }

  override async write(text: string): Promise<void> {
    await super.write(text);
    await this.solid(text).waitFor();
  }

  /** A message that is confirmed. */
  solid(text: string): Locator {
    return this.message(text).and(this.page.locator('[aria-busy="false"]'));
  }

  /** Texts of the conversation, from the top. */
  texts(): Promise<string[]> {
    return this.page.locator('[data-message] .text').allTextContents();
  }

  async edit(text: string, to: string): Promise<void> {
    await this.message(text).getByRole('button', { name: 'Edit' }).click();
    await this.page.getByLabel('Text of the message').fill(to);
    await this.page.getByRole('button', { name: 'Save' }).click();
    await this.solid(to).getByText('v2').waitFor();
  }

  async delete(text: string): Promise<void> {
    await this.message(text).getByRole('button', { name: 'Delete' }).click();
    await this.message(text).waitFor({ state: 'detached' });
  }

  drop(): Promise<void> {
    return this.page.getByRole('button', { name: 'Drop connection' }).click();
  }

  reconnect(): Promise<void> {
    return this.page.getByRole('button', { name: 'Reconnect' }).click();
  }

  /** Events of the room as listed, the newest first. */
  events(): Promise<{ offset: number; isReplayed: boolean }[]> {
    return this.page.locator('[data-offset]').evaluateAll((lines) =>
      lines.map((line) => ({
        offset: Number((line as HTMLElement).dataset['offset']),
        isReplayed: (line as HTMLElement).dataset['replayed'] === 'true',
      })),
    );
  }
}

let rooms = 0;

function unique(name: string): string {
  return `${name} ${(rooms += 1)}`;
}

describe('rooms in two browsers', { timeout: 180_000 }, () => {
  it('are a conversation over two instances; who was away sees what was missed, marked, in order', async () => {
    const [alice, bob] = [await RoomVisitor.enter('alice', 0), await RoomVisitor.enter('bob', 1)];
    const room = unique('Launch');
    await alice.createRoom(room);
    await alice.addMember('bob');
    await bob.openRoom(room);

    await alice.page.locator('[data-member="bob"][data-presence="here"]').waitFor();
    await bob.page.locator('[data-member="alice"][data-presence="here"]').waitFor();
    await alice.write('Shall we ship on Thursday?');
    await bob.solid('Shall we ship on Thursday?').waitFor();
    await bob.write('Friday is better');
    await alice.solid('Friday is better').waitFor();
    await alice.write('A slip of the pen');
    await bob.solid('A slip of the pen').waitFor();
    await bob.edit('Friday is better', 'Friday is better: the tests run all night');
    await alice.message('the tests run all night').getByText('v2').waitFor();

    await bob.drop();
    await bob.region('Connection').getByText('Offline').waitFor();
    await alice.page.locator('[data-member="bob"][data-presence="away"]').waitFor();
    await alice.edit('Shall we ship on Thursday?', 'Shall we ship on Friday?');
    await alice.delete('A slip of the pen');
    await alice.write('Then Friday it is');
    await alice.write('I bring the cake');
    expect((await bob.texts()).join()).not.toContain('cake');
    await bob.reconnect();

    const note = bob.page.getByText('While you were away:');
    await note.waitFor();
    await expect
      .poll(() => bob.events().then((events) => events.filter(({ isReplayed }) => isReplayed).length))
      .toBe(4);
    await expect.poll(() => bob.page.getByText('in order, none missing').count()).toBe(1);
    await bob.message('I bring the cake').getByText('replayed', { exact: true }).waitFor();
    await bob.message('Shall we ship on Friday?').getByText('edited · replayed').waitFor();
    await bob.message('A slip of the pen').getByText('deleted · replayed').waitFor();
    await expect
      .poll(() => bob.texts())
      .toEqual([
        'Shall we ship on Friday?',
        'Friday is better: the tests run all night',
        'A slip of the pen',
        'Then Friday it is',
        'I bring the cake',
      ]);
    await alice.page.locator('[data-member="bob"][data-presence="here"]').waitFor();
    const offsets = (await bob.events()).map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.map((_, index) => offsets[0]! - index));
    for (const { page, user } of [alice, bob]) {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${ARTIFACTS}/rooms-${user.id}-${colorScheme}.png`, animations: 'disabled' });
      }
    }

    await bob.page.getByRole('button', { name: 'Seen' }).click();
    await bob.message('A slip of the pen').waitFor({ state: 'detached' });
    expect(await bob.texts()).toEqual(await alice.texts());
    expect([alice.wrong, bob.wrong]).toEqual([[], []]);
  });

  it('count what is unread, over a reload too, until they are opened', async () => {
    const alice = await system.user('alice');
    const [one, two] = [unique('Kitchen'), unique('Garden')];
    const carol = await RoomVisitor.enter('carol', 0);
    await newRoom(alice, [carol.user], one);
    const id = await newRoom(alice, [carol.user], two);
    await carol.openRoom(one);
    await carol.region('Rooms').getByRole('link', { name: two }).waitFor();
    for (const text of ['first', 'second']) await done(alice, 'POST', '/v1/messages', { text, roomId: id });
    await carol
      .region('Rooms')
      .getByRole('link', { name: `${two} 2 unread` })
      .waitFor();

    await carol.page.reload();
    await carol
      .region('Rooms')
      .getByRole('link', { name: `${two} 2 unread` })
      .waitFor();
    await done(alice, 'POST', '/v1/messages', { text: 'third', roomId: id });
    await carol
      .region('Rooms')
      .getByRole('link', { name: `${two} 3 unread` })
      .click();
    await carol.message('third').waitFor();
    await carol.region('Rooms').getByText('unread').waitFor({ state: 'detached' });
    expect(carol.wrong).toEqual([]);
  });

  it('come and go with the membership, and show why a change was not made', async () => {
    const alice = await system.user('alice');
    const dave = await RoomVisitor.enter('dave', 1);
    const room = unique('Attic');
    const id = await newRoom(alice, [dave.user], room);
    await dave.openRoom(room);
    await dave.write('up here');
    await done(alice, 'PATCH', `/v1/rooms/${id}`, { name: `${room} (locked)` });
    await dave.region(`${room} (locked)`).waitFor();
    await expect.poll(() => dave.page.getByRole('button', { name: 'Rename' }).count()).toBe(0);

    // Of a version that is gone meanwhile: the outcome has the present one.
    await dave.page.route('**/v1/messages/*', async (route) => {
      await route.continue({ headers: { ...route.request().headers(), 'if-match': '"7"' } });
    });
    await dave.message('up here').getByRole('button', { name: 'Edit' }).click();
    await dave.page.getByLabel('Text of the message').fill('down there');
    await dave.page.getByRole('button', { name: 'Save' }).click();
    await dave.message('up here').getByText('Not edited.').waitFor();
    await dave.message('up here').getByRole('button', { name: 'Dismiss' }).click();

    await done(alice, 'DELETE', `/v1/rooms/${id}/members/dave`);
    await dave.page.getByText(`You are no longer in “${room} (locked)”.`).waitFor();
    await expect.poll(() => dave.region('Rooms').getByRole('link', { name: room }).count()).toBe(0);
    expect(dave.wrong).toEqual([]);
  });

  it('are renamed and deleted by who created them, and fit on a narrow screen', async () => {
    const erin = await RoomVisitor.enter('erin', 0, { viewport: { width: 380, height: 800 } });
    const room = unique('Cellar');
    await erin.createRoom(room);
    await erin.write('x'.repeat(300));
    await erin.page.getByRole('button', { name: 'Rename' }).click();
    await erin.page.getByLabel('Name of the room').fill(`${room} and stairs`);
    await erin.page.getByRole('button', { name: 'Save' }).click();
    await erin.region(`${room} and stairs`).waitFor();
    await expect.poll(() => erin.page.evaluate(() => document.documentElement.scrollWidth)).toBe(380);
    await erin.page.screenshot({ path: `${ARTIFACTS}/rooms-narrow.png`, fullPage: true });
    await erin.page.getByRole('button', { name: 'Delete room' }).click();
    await erin.page.getByRole('button', { name: 'Delete', exact: true }).click();
    await erin.region('Rooms').getByRole('link', { name: room }).waitFor({ state: 'detached' });
    expect(erin.wrong).toEqual([]);
  });
});
