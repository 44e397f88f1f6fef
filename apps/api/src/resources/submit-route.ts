import { applyDecorators } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  type ApiHeaderOptions,
  type ApiOperationOptions,
  type ApiParamOptions,
} from '@nestjs/swagger';
import { AcceptedActionView, ActionView } from '../actions/action.dto.ts';
import { ProblemResponses } from '../http/problem-responses.ts';

const HEADERS: ApiHeaderOptions[] = [
  {
    name: 'Idempotency-Key',
    required: false,
    description: 'the same request with the same key is accepted once',
    schema: { type: 'string', minLength: 8, maxLength: 255 },
  },
  {
    name: 'Prefer',
    required: false,
    description: '`wait=N` (RFC 7240), N up to 30 seconds: 200 with the finished action if it is done in time',
    schema: { type: 'string', example: 'wait=5' },
  },
  {
    name: 'traceparent',
    required: false,
    description: 'W3C Trace Context, kept with the action',
    schema: { type: 'string' },
  },
];

const IF_MATCH: ApiHeaderOptions = {
  name: 'If-Match',
  required: false,
  description: 'the version that the resource must have when the action is applied, as in its ETag',
  schema: { type: 'string', example: '"3"' },
};

/** The id of a resource, in a path. */
export const ID: ApiParamOptions = { name: 'id', schema: { type: 'string', format: 'uuid' } };

const text = (description: string) => ({ description, schema: { type: 'string' as const } });

const LOCATION = { Location: text('the action: `/v1/actions/<id>`') };
const PREFERENCE = { 'Preference-Applied': text('`wait=N`, when it was asked for') };
const REPLAYED = { 'Idempotency-Replayed': text('`true`, when the key was used before for the same request') };
const RETRY_AFTER = { 'Retry-After': text('seconds, after which asking for the action is worth a try') };

/** What OpenAPI says of a route that submits an action. `ifMatch`: the resource is there already. */
export function SubmitRoute(operation: ApiOperationOptions, { ifMatch }: { ifMatch: boolean }): MethodDecorator {
  const headers = ifMatch ? [...HEADERS, IF_MATCH] : HEADERS;
  return applyDecorators(
    ApiOperation(operation),
    ...headers.map((header) => ApiHeader(header)),
    ApiAcceptedResponse({
      type: AcceptedActionView,
      description: 'The action is in the ledger; its outcome follows',
      headers: { ...LOCATION, ...RETRY_AFTER, ...REPLAYED, ...PREFERENCE },
    }),
    ApiOkResponse({
      type: ActionView,
      description: 'The finished action, when `Prefer: wait=N` was sent',
      headers: { ...LOCATION, ...REPLAYED, ...PREFERENCE },
    }),
    ProblemResponses(
      'VALIDATION_FAILED',
      'MALFORMED_JSON',
      'TOO_DEEP',
      'FORBIDDEN',
      'UNSUPPORTED_MEDIA_TYPE',
      'IDEMPOTENCY_KEY_REUSED',
    ),
  );
}
