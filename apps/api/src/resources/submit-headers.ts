import type { ApiHeaderOptions } from '@nestjs/swagger';

/** Headers of submits, as OpenAPI describes them. */
export const IDEMPOTENCY_KEY: ApiHeaderOptions = {
  name: 'Idempotency-Key',
  required: false,
  description: '8 to 255 printable characters: the same request with the same key is accepted once',
};

export const IF_MATCH: ApiHeaderOptions = {
  name: 'If-Match',
  required: false,
  description: 'the version that the resource must have when the action is applied, as in its ETag',
};
