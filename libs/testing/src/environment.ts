type Variable =
  | 'TEST_REDIS_URL'
  | 'TEST_REDIS_PROGRAM'
  | 'TEST_DATABASE_URL'
  | 'TEST_FOLDER'
  | 'TEST_NGINX_PROGRAM'
  | 'TEST_PROMTOOL_PROGRAM';

/** A variable that `npm test` sets for the tests. */
export function given(name: Variable): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: run the tests by "npm test -- <file>", which starts Redis and Postgres`);
  return value;
}
