import { Parser } from '@asyncapi/parser';
import type { OpenAPIObject } from '@nestjs/swagger';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction } from '#contracts';
import { startSystem, type Listener, type System, type TestUser } from '#testing';
import { readGuide, type Step } from './extension/guide.ts';
import { ProjectCopy } from './extension/project-copy.ts';

const INDEX = 'libs/resources/src/index.ts';

let guide: { files: Step[]; line: Step };
let copy: ProjectCopy;
let system: System;
let alice: TestUser;
let ears: Listener;

beforeAll(async () => {
  guide = await readGuide();
  copy = await ProjectCopy.make(process.env['TEST_FOLDER']!);
  for (const file of guide.files) await copy.write(file);
  await copy.append(guide.line);
  await copy.build();
  system = await startSystem({ root: copy.root, sockets: 1 });
  alice = await system.user('alice');
  ears = await alice.connect(system.sockets[0]!);
}, 180_000);

describe('the guide to a new resource, followed to the letter,', () => {
  it('is under 80 lines of code, in one folder and one line of the index', async () => {
    const lines = [...guide.files, guide.line].flatMap(({ code }) => code.split('\n').filter((line) => line.trim()));
    expect(lines.length).toBeLessThan(80);
    expect(guide.line).toMatchObject({ file: INDEX });
    expect(guide.line.code.trim().split('\n')).toHaveLength(1);
    expect(await copy.changes()).toEqual(
      ['note.dto.ts', 'notes.migration.ts', 'notes.resource.ts']
        .map((name) => `libs/resources/src/notes/${name}`)
        .concat(INDEX)
        .toSorted(),
    );
  });

  it('gives routes whose actions are applied, and whose outcomes are heard', async () => {
    const created = await alice.submit('POST', '/v1/notes', { body: { title: 'one' } });
    const { id } = created.resource;
    expect((await ears.outcomeOf(created)).data).toMatchObject({
      type: 'notes.create',
      status: 'succeeded',
      response: { id, title: 'one', version: 1 },
    });
    const edited = await alice.submit('PATCH', `/v1/notes/${id}`, { body: { title: 'two' } });
    expect((await ears.outcomeOf(edited)).data.response).toMatchObject({ title: 'two', version: 2 });
    const { body: note, headers } = await alice.call('GET', `/v1/notes/${id}`);
    expect(note).toMatchObject({ id, title: 'two', version: 2 });
    expect(headers.get('etag')).toBe('"2"');
    expect((await alice.call('GET', '/v1/notes')).body).toEqual({ data: [note], next: null });

    const stale = await alice.submit('DELETE', `/v1/notes/${id}`, { headers: { 'If-Match': '"1"' } });
    expect((await ears.outcomeOf(stale)).data.error).toMatchObject({ code: 'PRECONDITION_FAILED', current: note });
    const deleted = await alice.submit('DELETE', `/v1/notes/${id}`);
    expect((await ears.outcomeOf(deleted)).data).toMatchObject({ status: 'succeeded', response: null });
    expect((await alice.call('GET', `/v1/notes/${id}`)).status).toBe(404);
  });

  it('keeps what belongs to others from them', async () => {
    const created = await alice.submit('POST', '/v1/notes', { body: { title: 'mine' } });
    await ears.outcomeOf(created);
    const bob = await system.user('bob');
    const bobsEars = await bob.connect(system.sockets[0]!);
    const edited = await bob.submit('PATCH', `/v1/notes/${created.resource.id}`, { body: { title: 'his' } });
    expect((await bobsEars.outcomeOf(edited)).data.error).toMatchObject({ code: 'NOT_FOUND' });
    expect((await bob.call('GET', '/v1/notes')).body).toEqual({ data: [], next: null });
  });

  it('pages its list, the newest first', async () => {
    const carol = await system.user('carol');
    const carolsEars = await carol.connect(system.sockets[0]!);
    for (const title of ['first', 'second', 'third']) {
      await carolsEars.outcomeOf(await carol.submit('POST', '/v1/notes', { body: { title } }));
    }
    const titles: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const query: string = after === '' ? '' : `&after=${after}`;
      const { body } = await carol.call<{ data: { title: string }[]; next: string | null }>(
        'GET',
        `/v1/notes?limit=2${query}`,
      );
      titles.push(...body.data.map(({ title }) => title));
      after = body.next;
    }
    expect(titles).toEqual(['third', 'second', 'first']);
  });

  it('refuses bad input', async () => {
    for (const body of [{}, { title: '' }, { title: 1 }, { title: 'x'.repeat(201) }, { title: 'a', author: 'bob' }]) {
      const refused = await alice.call('POST', '/v1/notes', { body });
      expect(refused.status).toBe(400);
      expect(refused.body).toMatchObject({ code: 'VALIDATION_FAILED' });
    }
  });

  it('has its action types in batches', async () => {
    const { status, body } = await alice.call<{ results: { action: AcceptedAction }[] }>('POST', '/v1/actions/batch', {
      body: { actions: [{ type: 'notes.create', payload: { title: 'in a batch' } }] },
    });
    expect(status).toBe(202);
    expect((await ears.outcomeOf(body.results[0]!.action)).data.status).toBe('succeeded');
  });

  it('is in OpenAPI, and in an AsyncAPI that stays valid', async () => {
    const [openApi, asyncApi] = await Promise.all(
      ['openapi', 'asyncapi'].map(async (name) => (await fetch(`${system.api.url}/${name}.json`)).text()),
    );
    const { paths, components } = JSON.parse(openApi!) as OpenAPIObject;
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['/v1/notes', '/v1/notes/{id}']));
    expect(components?.schemas).toMatchObject({
      Note: { required: ['title', 'id', 'version', 'createdAt'] },
      WriteNote: { properties: { title: { maxLength: 200 } } },
    });
    const { document, diagnostics } = await new Parser().parse(asyncApi!);
    expect(diagnostics.filter(({ severity }) => (severity as number) === 0)).toEqual([]);
    const messages = document!.allMessages().all();
    expect(messages.map((message) => message.id())).toEqual(
      expect.arrayContaining(['outcome.notes.create', 'outcome.notes.delete', 'command.submit.notes.edit']),
    );
  });

  it('gives the SDK its types and its client', async () => {
    const generated = await copy.generateClient();
    expect(generated).toMatch(/export interface Note \{[^}]*title: string;[^}]*version: number;/);
    expect(generated).toMatch(/ResourceClient<WriteNote, WriteNote, Note>/);
    expect(generated).toContain('readonly notes: NotesClient;');
  }, 60_000);
});
