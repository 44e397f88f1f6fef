import { createHash } from 'node:crypto';
import { inspectJson } from './inspect-json.ts';
import { validationFailed } from './validate.ts';

/** An action as a client asks for it, on whatever way it comes. */
export interface ActionRequest {
  type: unknown;
  resourceId?: unknown;
  payload?: unknown;
  idempotencyKey?: unknown;
  ifMatch?: unknown;
  traceparent?: string | undefined;
}

const FIELDS = new Set(['type', 'resourceId', 'payload', 'idempotencyKey', 'ifMatch']);

/**
 * An action as an item of a batch, or a command on a socket, asks for it; its fields are
 * looked at when it is submitted.
 *
 * @throws {ProblemError} `VALIDATION_FAILED` or `TOO_DEEP`
 */
export function parseActionRequest(input: unknown): ActionRequest {
  inspectJson(input);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw validationFailed([{ pointer: '', code: 'NOT_AN_OBJECT', detail: 'must be a JSON object' }]);
  }
  const unknown = Object.keys(input).filter((key) => !FIELDS.has(key));
  if (unknown.length > 0) {
    throw validationFailed(
      unknown.map((key) => ({
        pointer: `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        code: 'UNKNOWN_FIELD',
        detail: 'is not a known field',
      })),
    );
  }
  return input as ActionRequest;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether the text is a UUID (RFC 9562), in either case. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/**
 * @throws {ProblemError} `VALIDATION_FAILED` when it is no UUID
 */
export function parseUuid(value: unknown, pointer: string): string {
  if (isUuid(value)) return value.toLowerCase();
  throw validationFailed([{ pointer, code: 'IS_UUID', detail: 'must be a UUID' }]);
}

/**
 * The version of an `If-Match` (RFC 9110, 13.1.1), quoted or bare. Weak tags never match a
 * change, so they are refused, as are lists: a resource has one version.
 *
 * @throws {ProblemError} `VALIDATION_FAILED`
 */
export function parseIfMatch(value: unknown, pointer: string): number | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value.trim() : '';
  const [, version] = /^"(\d{1,9})"$/.exec(text) ?? /^(\d{1,9})$/.exec(text) ?? [];
  if (version === undefined) {
    throw validationFailed([{ pointer, code: 'IF_MATCH', detail: 'must be one version, as in the ETag: "3"' }]);
  }
  return Number(version);
}

/**
 * An `Idempotency-Key` (IETF draft), quoted or bare: 8 to 255 printable ASCII characters.
 *
 * @throws {ProblemError} `VALIDATION_FAILED`
 */
export function parseIdempotencyKey(value: unknown, pointer: string): string | undefined {
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value.trim() : '';
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (!/^[\x20-\x7e]{8,255}$/.test(key)) {
    throw validationFailed([{ pointer, code: 'IDEMPOTENCY_KEY', detail: 'must have 8 to 255 printable characters' }]);
  }
  return key;
}

/** What makes two requests equal: method and path (here: type and resource), precondition and body. */
export function fingerprintOf(request: ActionRequest): string {
  const parts = [request.type, request.resourceId ?? null, request.ifMatch ?? null, request.payload ?? null];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
