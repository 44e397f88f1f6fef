import { describe, expect, it } from 'vitest';
import type { Resource, Verb } from '#resources';
import { ActionCatalogue } from './action-catalogue.ts';

const verb: Verb = { apply: () => Promise.resolve([]) };

class NotesResource {
  type = 'notes';
  create: Verb | undefined = verb;
  edit: Verb | undefined = verb;
  delete: Verb | undefined = verb;
  verbs = {};
  migrations = { '2026-01-01-notes': {} };
}

const notes = (given: Partial<NotesResource> = {}): Resource =>
  Object.assign(new NotesResource(), given) as unknown as Resource;

describe('ActionCatalogue', () => {
  it('knows a type for each verb of each resource', () => {
    const catalogue = new ActionCatalogue([notes(), notes({ type: 'tags' })]);
    expect(catalogue.find('tags.edit')).toMatchObject({ name: 'tags.edit', verb: 'edit', handler: verb });
    for (const name of ['notes.create', 'notes.delete', 'tags.create']) expect(catalogue.get(name).name).toBe(name);
  });

  it('does not start when a handler is missing', () => {
    expect(() => new ActionCatalogue([notes({ create: undefined })])).toThrow(
      'notes.create has no handler: give NotesResource a "create"',
    );
  });

  it('knows no type for an edit or a delete that a resource does not have', () => {
    const catalogue = new ActionCatalogue([notes({ edit: undefined, delete: undefined })]);
    expect(catalogue.find('notes.edit')).toBeUndefined();
    expect(() => catalogue.get('notes.delete')).toThrow('must be one of notes.create');
  });

  it('does not start when a type has two handlers', () => {
    expect(() => new ActionCatalogue([notes(), notes()])).toThrow('notes.create has two handlers');
  });

  it.each([['notes.destroy'], ['notes'], ['constructor'], [undefined], [null], [7], [['notes.create']]])(
    'knows no type %j',
    (name) => {
      const catalogue = new ActionCatalogue([notes()]);
      expect(catalogue.find(name as string)).toBeUndefined();
      expect(() => catalogue.get(name)).toThrow('must be one of notes.create, notes.edit, notes.delete');
    },
  );

  it('brings the migrations of all resources together', () => {
    const tags = notes({ type: 'tags', migrations: { '2026-01-02-tags': {} } as never });
    expect(Object.keys(new ActionCatalogue([notes(), tags]).migrations)).toEqual([
      '2026-01-01-notes',
      '2026-01-02-tags',
    ]);
  });
});
