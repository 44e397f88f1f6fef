import type { Sql } from '#database';
import { reject, type ActionToApply, type Applied, type Resource } from './resource.ts';

/**
 * Applies an edit or a delete where whoever may read a resource may change it: one after
 * another, each after its checks. A missing and a foreign resource get the same `NOT_FOUND`.
 *
 * @param change resolves to the row as it is now, or to none when it is gone
 */
export async function changeOwn<Payload extends object>(
  resource: Pick<Resource, 'get'>,
  sql: Sql,
  actions: readonly ActionToApply<Payload>[],
  change: (action: ActionToApply<Payload>) => Promise<readonly object[]>,
): Promise<Applied[]> {
  const applied: Applied[] = [];
  for (const action of actions) {
    const current = await resource.get(sql, action.owner, action.resourceId);
    if (!current) applied.push(reject('NOT_FOUND'));
    else if (action.ifMatch !== null && action.ifMatch !== current.version) {
      applied.push(reject('PRECONDITION_FAILED', { current }));
    } else {
      const [row] = await change(action);
      applied.push({ response: row ?? null });
    }
  }
  return applied;
}
