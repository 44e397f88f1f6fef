import { randomUUID } from 'node:crypto';
import { tokenOf } from '../load/token.ts';
import type { BenchSystem } from './system.ts';

/** Creates rooms of one user; gives their ids. */
export async function createRooms(system: BenchSystem, user: string, count: number): Promise<string[]> {
  const { api, secret } = system.target;
  const ids = Array.from({ length: count }, () => randomUUID());
  const headers = { authorization: `Bearer ${tokenOf(user, secret)}`, 'content-type': 'application/json' };
  for (const id of ids) {
    const body = JSON.stringify({ id, name: `room ${id}` });
    const answer = await fetch(`${api}/v1/rooms`, { method: 'POST', headers, body });
    if (answer.status !== 202) throw new Error(`a room was answered ${answer.status}: ${await answer.text()}`);
    await answer.body?.cancel();
  }
  return ids;
}
