/** A variable that `npm test` sets for the tests. */
export function given(name: 'TEST_REDIS_URL' | 'TEST_REDIS_PROGRAM' | 'TEST_DATABASE_URL' | 'TEST_FOLDER'): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run the tests by "npm test -- <file>", which starts Redis and Postgres`);
  return value;
}
