import { ProblemError, type ProblemItem } from '#contracts';

/** Deepest nesting of a body that is taken. */
export const DEEPEST = 32;

/** Most fields of an object: what makes an instance of it takes time with their square. */
const MOST_FIELDS = 5_000;

/** Keys that mean something to every JavaScript object, and nothing good in a body. */
const FORBIDDEN_KEYS = new Set(Object.getOwnPropertyNames(Object.prototype));

/** An object or array, and where it stands: the way to it is written out only for what is refused. */
interface Place {
  value: object;
  key: string | number;
  parent: Place | undefined;
  depth: number;
}

/**
 * Refuses what no part of the system can carry, before anything else looks at the input:
 * nesting beyond {@link DEEPEST}, thousands of fields, NUL characters, lone surrogates, bytes,
 * keys of `Object.prototype`. Iterative, so that no depth can exhaust the stack.
 *
 * @param at the pointer to the input, when it is a part of something
 * @throws {ProblemError} `TOO_DEEP` or `VALIDATION_FAILED`
 */
export function inspectJson(input: unknown, at = ''): void {
  const open: Place[] = [];
  const look = (value: unknown, key: string | number, parent: Place | undefined): void => {
    const flaw = typeof value === 'string' && flawOf(value);
    if (flaw) refuse({ pointer: pointerTo({ key, parent }, at), ...flaw });
    if (typeof value === 'object' && value !== null) {
      open.push({ value, key, parent, depth: parent ? parent.depth + 1 : 0 });
    }
  };
  look(input, '', undefined);
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, depth } = place;
    if (ArrayBuffer.isView(value)) {
      refuse({ pointer: pointerTo(place, at), code: 'BYTES', detail: 'must be JSON, not bytes' });
    }
    if (depth >= DEEPEST) {
      throw new ProblemError('TOO_DEEP', `The body is nested more than ${DEEPEST} levels deep`);
    }
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index += 1) look(value[index], index, place);
      continue;
    }
    const keys = Object.keys(value);
    if (keys.length > MOST_FIELDS) {
      const detail = `must have ${MOST_FIELDS} fields at most`;
      refuse({ pointer: pointerTo(place, at), code: 'TOO_MANY_FIELDS', detail });
    }
    for (const key of keys) {
      const flaw = flawOf(key);
      if (flaw) refuse({ pointer: '', ...flaw });
      if (FORBIDDEN_KEYS.has(key)) {
        const pointer = pointerTo({ key, parent: place }, at);
        refuse({ pointer, code: 'UNKNOWN_FIELD', detail: 'is not a known field' });
      }
      look((value as Record<string, unknown>)[key], key, place);
    }
  }
}

/** The JSON pointer (RFC 6901) to a place, behind that of the input. */
function pointerTo({ key, parent }: Pick<Place, 'key' | 'parent'>, at: string): string {
  if (!parent) return at;
  return `${pointerTo(parent, at)}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function flawOf(text: string): Omit<ProblemItem, 'pointer'> | undefined {
  if (text.includes('\0')) return { code: 'NUL_CHARACTER', detail: 'must not contain a NUL character' };
  if (!text.isWellFormed()) return { code: 'LONE_SURROGATE', detail: 'must be well-formed Unicode' };
  return undefined;
}

function refuse(item: ProblemItem): never {
  throw new ProblemError('VALIDATION_FAILED', `${item.pointer || 'the body'} ${item.detail}`, { errors: [item] });
}
