import { ProblemError, type ProblemItem } from '#contracts';

/** Deepest nesting of a body that is taken. */
export const DEEPEST = 32;

/** Keys that mean something to every JavaScript object, and nothing good in a body. */
const FORBIDDEN_KEYS = new Set(Object.getOwnPropertyNames(Object.prototype));

/**
 * Refuses what no part of the system can carry, before anything else looks at the input:
 * nesting beyond {@link DEEPEST}, NUL characters, lone surrogates, bytes, keys of
 * `Object.prototype`. Iterative, so that no depth can exhaust the stack.
 *
 * @param at the pointer to the input, when it is a part of something
 * @throws {ProblemError} `TOO_DEEP` or `VALIDATION_FAILED`
 */
export function inspectJson(input: unknown, at = ''): void {
  const open: { value: unknown; pointer: string; depth: number }[] = [{ value: input, pointer: at, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, pointer, depth } = next;
    if (typeof value === 'string') refuseText(value, pointer);
    if (typeof value !== 'object' || value === null) continue;
    if (ArrayBuffer.isView(value)) refuse({ pointer, code: 'BYTES', detail: 'must be JSON, not bytes' });
    if (depth >= DEEPEST) {
      throw new ProblemError('TOO_DEEP', `The body is nested more than ${DEEPEST} levels deep`);
    }
    for (const [key, child] of Object.entries(value)) {
      const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (!Array.isArray(value)) refuseKey(key, place);
      if (typeof child === 'string' || typeof child === 'object')
        open.push({ value: child, pointer: place, depth: depth + 1 });
    }
  }
}

function refuseText(text: string, pointer: string): void {
  if (text.includes('\0')) refuse({ pointer, code: 'NUL_CHARACTER', detail: 'must not contain a NUL character' });
  if (!text.isWellFormed()) refuse({ pointer, code: 'LONE_SURROGATE', detail: 'must be well-formed Unicode' });
}

function refuseKey(key: string, pointer: string): void {
  refuseText(key, '');
  if (FORBIDDEN_KEYS.has(key)) refuse({ pointer, code: 'UNKNOWN_FIELD', detail: 'is not a known field' });
}

function refuse(item: ProblemItem): never {
  throw new ProblemError('VALIDATION_FAILED', `${item.pointer || 'the body'} ${item.detail}`, { errors: [item] });
}
