import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OUTCOME_STATUSES } from '#contracts';
import { outcomeText, toAction, type OutcomeRow } from './action-row.ts';

type Text = fc.Arbitrary<string | null>;

const outcomes = (response: Text, error: Text): fc.Arbitrary<OutcomeRow> =>
  fc.record({
    id: fc.uuid({ version: 7 }),
    type: fc.string({ unit: 'binary' }).map((name) => `${name}.create`),
    status: fc.constantFrom(...OUTCOME_STATUSES),
    attempts: fc.nat(20),
    resource_id: fc.uuid(),
    submitted_at: fc.constant('2026-11-29T12:00:00.000Z'),
    finished_at: fc.constant('2026-11-29T12:00:00.012Z'),
    traceparent: fc.constant(null),
    response,
    error,
  });

const none = fc.constant(null);
const good = outcomes(fc.option(fc.json()), none);
const bad = outcomes(none, fc.constant('{"code":"NOT_FOUND","message":"no \\"such\\" row"}'));

it('an outcome as text is the action that anybody else reads', () => {
  fc.assert(
    fc.property(fc.oneof(good, bad), (row) => {
      const read = (json: string | null): unknown => (json === null ? null : JSON.parse(json));
      const action = toAction({ ...row, response: read(row.response), error: read(row.error) as null });
      expect(JSON.parse(outcomeText(row))).toEqual(action);
      expect(Object.keys(JSON.parse(outcomeText(row)) as object)).toEqual(Object.keys(action));
    }),
  );
});
