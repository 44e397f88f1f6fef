import { Logger } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ActionsService } from '#actions';
import { ProblemError } from '#contracts';
import type { ActionLog } from '#telemetry';
import { BatchService } from './batch.service.ts';

const SUBMITTER = { userId: 'alice', scopes: new Set<string>() };
const REQUEST = { requestId: 'r-1' };

const action = (type: unknown): { action: object } => ({ action: { id: 'x', type } });
const away = new ProblemError('UNAVAILABLE', 'away', { retryAfterSeconds: 2 });

/** A batch of actions, each of which is answered by what is given for it, or refused with it. */
function submit(...outcomes: (object | Error)[]): Promise<unknown[]> {
  const rest = [...outcomes];
  const submitOne = (): Promise<object> => {
    const next = rest.shift()!;
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next);
  };
  const service = new BatchService(
    { submit: submitOne } as unknown as ActionsService,
    { note: () => undefined } as unknown as ActionLog,
  );
  const actions = outcomes.map(() => ({ type: 'messages.create' }));
  return service.submit(SUBMITTER, { actions }, REQUEST);
}

describe('a batch', () => {
  const logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);

  afterEach(() => logged.mockClear());

  it('of which one action meets an error of ours answers the others, and logs it', async () => {
    const error = new Error('a bug');
    const good = action('messages.create');
    expect(await submit(good, error)).toMatchObject([good, { problem: { code: 'INTERNAL' } }]);
    expect(logged.mock.calls).toEqual([[{ err: error, requestId: 'r-1' }]]);
  });

  it('of which nothing could be recorded is refused as a whole, with the time to try again', async () => {
    await expect(submit(away, away)).rejects.toBe(away);
    expect(logged).not.toHaveBeenCalled();
  });

  it('of which something was recorded, or is wrong, answers each for itself', async () => {
    const good = action('messages.create');
    expect(await submit(away, good)).toMatchObject([{ problem: { code: 'UNAVAILABLE' } }, good]);
    const wrong = new ProblemError('VALIDATION_FAILED');
    expect(await submit(away, wrong)).toMatchObject([
      { problem: { code: 'UNAVAILABLE' } },
      { problem: { code: 'VALIDATION_FAILED' } },
    ]);
    expect(logged).not.toHaveBeenCalled();
  });
});
