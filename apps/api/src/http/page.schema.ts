import { getSchemaPath, type ApiResponseOptions } from '@nestjs/swagger';

/** The schema of a page of a list. */
export function pageOf(view: string | (abstract new (...args: never[]) => unknown)): ApiResponseOptions {
  return {
    schema: {
      type: 'object',
      required: ['data', 'next'],
      properties: {
        data: { type: 'array', items: { $ref: getSchemaPath(view) } },
        next: { type: 'string', nullable: true, description: 'give it as "after" for more; null on the last page' },
      },
    },
  };
}
