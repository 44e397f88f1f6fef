/** Longest `sub` that a token may have, in UTF-16 units. */
const LONGEST_USER_ID = 200;

/** Whether it can be a user: the `sub` of a token, which is kept as text in Postgres and named in channels. */
export function isUserId(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > LONGEST_USER_ID) return false;
  return value.isWellFormed() && !value.includes('\0');
}
