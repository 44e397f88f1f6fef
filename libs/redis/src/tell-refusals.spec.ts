import { EventEmitter } from 'node:events';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { tellRefusals } from './tell-refusals.ts';

const told = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
let connection: EventEmitter;

beforeEach(() => {
  connection = new EventEmitter();
  tellRefusals(connection, 'tickets');
});

afterEach(() => {
  told.mockClear();
});

const refusal = (message: string): Error =>
  Object.assign(new Error(message), { name: 'ReplyError', command: 'secret' });
const messages = (): unknown[] => told.mock.calls.map(([message]) => message as unknown);

it('a refusal is told once, until the connection is taken or is refused otherwise', () => {
  for (let count = 0; count < 3; count += 1) connection.emit('error', refusal('WRONGPASS'));
  connection.emit('error', refusal('NOPERM'));
  connection.emit('ready');
  connection.emit('error', refusal('NOPERM'));
  expect(messages()).toEqual(['WRONGPASS', 'NOPERM', 'NOPERM'].map((why) => `refuses tickets: ${why}`));
});

it('of a cluster, the answer of a node is told', () => {
  connection.emit('error', Object.assign(new Error('all failed'), { lastNodeError: refusal('WRONGPASS') }));
  expect(messages()).toEqual(['refuses tickets: WRONGPASS']);
});

it('a Redis that cannot be reached refuses nothing', () => {
  connection.emit('error', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
  expect(messages()).toEqual([]);
});
