import fc from 'fast-check';
import type { Schema, Schemas } from './schema-values.ts';

/** A route, as the OpenAPI document tells of it. */
export interface Route extends fc.WithToStringMethod {
  /** `GET /v1/messages/{id}` */
  name: string;
  method: string;
  template: string;
  parameters: readonly { in: string; name: string }[];
  body: Schema | undefined;
  /** By status, the codes of the problems that are told; none where the answer is no problem. */
  answers: ReadonlyMap<number, ReadonlySet<string>>;
  /** Whether a token is wanted. */
  isProtected: boolean;
}

interface Operation {
  parameters?: Route['parameters'];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description?: string }>;
  security?: unknown[];
}

export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Schemas };
}

/** Every route of a document. */
export function routesOf({ paths }: OpenApi): Route[] {
  return Object.entries(paths).flatMap(([template, operations]) =>
    Object.entries(operations).map(([method, operation]) => routeOf(method.toUpperCase(), template, operation)),
  );
}

/** The event stream of the socket app, as docs/clients.md tells of it. */
export const STREAM = routeOf('GET', '/v1/outcomes/stream', {
  parameters: [{ in: 'query', name: 'after' }],
  responses: { '200': {}, '401': { description: '`UNAUTHENTICATED` `TOKEN_EXPIRED`' } },
  security: [],
});

function routeOf(method: string, template: string, operation: Operation): Route {
  const name = `${method} ${template}`;
  return {
    name,
    method,
    template,
    parameters: operation.parameters ?? [],
    body: operation.requestBody?.content['application/json']?.schema,
    answers: new Map(
      Object.entries(operation.responses).map(([status, { description }]) => [Number(status), codesIn(description)]),
    ),
    isProtected: operation.security !== undefined,
    [fc.toStringMethod]: () => name,
  };
}

/** Descriptions of problems name their codes: `` `NOT_FOUND`: Not found ``. */
function codesIn(description = ''): Set<string> {
  return new Set([...description.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code!));
}
