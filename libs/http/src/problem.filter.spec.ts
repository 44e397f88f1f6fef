import { expect, it } from 'vitest';
import { toProblemError } from './problem.filter.ts';

const ofPostgres = (code: string): Error => Object.assign(new Error('as Postgres says it'), { code });

it.each([
  ['the server is going away', '57P01'],
  ['two transactions were in the way of each other', '40P01'],
  ['the transaction took too long', '25P04'],
  ['the statement took too long', '57014'],
])('a request of a client may simply come again when %s (%s)', (_, code) => {
  const problem = toProblemError(ofPostgres(code));
  expect(problem).toMatchObject({ code: 'UNAVAILABLE', status: 503, options: { retryAfterSeconds: 2 } });
});

it.each(['23505', '42P01', ''])('what nobody has foreseen is answered without a word of it (%s)', (code) => {
  expect(toProblemError(ofPostgres(code)).toProblem()).toMatchObject({
    status: 500,
    code: 'INTERNAL',
    detail: 'Something went wrong here',
  });
});
