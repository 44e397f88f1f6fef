import { describe, expect, it } from 'vitest';
import { parseTicket } from './ticket.ts';

const ACTION = '019a5f2e-7c1b-7d3e-8f00-a1b2c3d4e5f6';
const RESOURCE = '6f1c1e0a-9d4b-4c53-8a55-0c7c1fd1b1aa';
const PARENT = '0b2f8c6e-3f4d-4b7a-9f57-2f0a5b4c3d2e';

describe('parseTicket', () => {
  it.each([
    { actions: [] },
    { actions: [[ACTION, RESOURCE]] },
    { actions: [[ACTION, RESOURCE, PARENT]], suspect: true, starts: 2 },
  ])('takes %j', (data) => {
    expect(parseTicket(data)).toEqual(data);
  });

  it('keeps nothing but what a ticket has', () => {
    expect(parseTicket({ actions: [], suspect: 'yes', starts: '2', more: 1 })).toEqual({ actions: [] });
  });

  it('leaves out what a later version has added to an entry', () => {
    const actions = [
      [ACTION, RESOURCE, PARENT, { priority: 1 }],
      [ACTION, RESOURCE, null, 7],
    ];
    expect(parseTicket({ actions })).toEqual({
      actions: [
        [ACTION, RESOURCE, PARENT],
        [ACTION, RESOURCE],
      ],
    });
  });

  it.each([
    [undefined],
    [null],
    [{}],
    ['ticket'],
    [{ actions: 'all' }],
    [{ actions: [ACTION] }],
    [{ actions: [[ACTION]] }],
    [{ actions: [[ACTION, RESOURCE, 'parent']] }],
    [{ actions: [[ACTION, 7]] }],
    [{ actions: [[ACTION, `${RESOURCE}'`]] }],
    [{ actions: [[ACTION, RESOURCE], null] }],
  ])('refuses %j', (data) => {
    expect(() => parseTicket(data)).toThrow('the job is not a ticket');
  });
});
