import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#contracts';
import { startSystem, type Listener, type System, type TestUser } from '#testing';
import { ackOf } from '../audiences/ack.ts';
import { done, newRoom } from '../rooms/room.ts';

/** What only the system says of a resource, under the names that it, its tables or others use. */
const FIELDS = [
  ...['id', 'owner', 'ownerId', 'userId', 'user', 'author', 'authorId', 'creator', 'creatorId', 'members', 'role'],
  ...['version', 'createdAt', 'created_at', 'updatedAt', 'status', 'attempts', 'response', 'error', 'seq', 'scope'],
  ...['ifMatch', 'resourceId', 'parentId', 'channel', 'offset', 'expiresAt', 'submittedAt', 'isAdmin', 'type'],
];

const MAKERS = {
  'messages.create': { text: 'x' },
  'messages.edit': { text: 'x' },
  'rooms.create': { name: 'x' },
  'rooms.edit': { name: 'x' },
  'announcements.create': { audience: 'everyone', title: 'x', body: 'x' },
  'drills.create': { performMs: 1 },
} as const;

let system: System;
let alice: TestUser;
let listener: Listener;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
  alice = await system.user('alice', { scopes: ['announce'] });
  listener = await alice.connect(system.sockets[0]!);
});

/** What a problem says of its fields. */
const complaintsOf = (problem: Problem | undefined): unknown => [
  problem?.code,
  problem?.errors?.map(({ pointer, code }) => [pointer.split('/').at(-1), code]),
];

/** Refused for this field and no other. */
const refusedFor = (field: string): unknown => ['VALIDATION_FAILED', [[field, 'UNKNOWN_FIELD']]];

describe.each(Object.entries(MAKERS))('a payload of %s', (type, payload) => {
  const [resource, verb] = type.split('.');
  /** A create may bring the id of the resource over REST. */
  const isMeant = (field: string): boolean => field === 'id' && verb === 'create';
  const forbidden = FIELDS.filter((field) => !isMeant(field));

  it('says nothing that is not the client’s to say: by REST', async () => {
    const [method, path] =
      verb === 'create' ? ['POST', `/v1/${resource}`] : ['PATCH', `/v1/${resource}/${randomUUID()}`];
    for (const field of forbidden) {
      const answer = await alice.call<Problem>(method, path, { body: { ...payload, [field]: 'mallory' } });
      expect(answer.status).toBe(400);
      expect(complaintsOf(answer.body)).toEqual(refusedFor(field));
    }
  });

  it('nor in a batch, nor on a socket', async () => {
    const items = FIELDS.map((field) => ({
      type,
      ...(verb === 'edit' && { resourceId: randomUUID() }),
      payload: { ...payload, [field]: 'mallory' },
    }));
    const { body } = await alice.call<{ results: { problem?: Problem }[] }>('POST', '/v1/actions/batch', {
      body: { actions: items },
    });
    expect(body.results.map(({ problem }) => complaintsOf(problem))).toEqual(FIELDS.map(refusedFor));
    for (const [index, field] of FIELDS.entries()) {
      const answer = await ackOf(listener, 'submit', items[index]);
      expect(complaintsOf(answer.ok ? undefined : answer.problem)).toEqual(refusedFor(field));
    }
  });
});

describe('an action', () => {
  it('is never in the name of another, whatever stands beside its payload', async () => {
    for (const field of ['owner', 'ownerId', 'userId', 'id', 'status', 'scopes', 'submittedAt', 'expiresAt']) {
      const item = { type: 'messages.create', payload: { text: 'x' }, [field]: 'mallory' };
      const answer = await ackOf(listener, 'submit', item);
      expect(complaintsOf(answer.ok ? undefined : answer.problem)).toEqual(refusedFor(field));
    }
  });

  it('takes nothing over that exists: neither a resource by its id, nor a room by a member', async () => {
    const bob = await system.user('bob');
    const room = await newRoom(bob);
    const stolen = await done(alice, 'POST', '/v1/rooms', { id: room, name: 'mine' });
    expect(stolen).toMatchObject({ status: 'failed', error: { code: 'ALREADY_EXISTS' } });
    const { status } = await alice.call('GET', `/v1/rooms/${room}`);
    expect(status).toBe(404);
    const joined = await done(alice, 'PUT', `/v1/rooms/${room}/members/alice`);
    expect(joined).toMatchObject({ status: 'failed', error: { code: 'NOT_FOUND' } });
  });
});
