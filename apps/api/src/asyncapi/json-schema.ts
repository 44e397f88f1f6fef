/** A JSON Schema (draft 7), as AsyncAPI 3.0 takes it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** The same schema as OpenAPI 3.0 writes it, in JSON Schema: `nullable` and `example` are of OpenAPI alone. */
export function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toJsonSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { nullable, example, ...others } = schema as JsonSchema;
  const plain: JsonSchema = {
    ...Object.fromEntries(Object.entries(others).map(([keyword, value]) => [keyword, toJsonSchema(value)])),
    ...(example !== undefined && { examples: [example] }),
  };
  return nullable === true ? orNull(plain) : plain;
}

/** Adds `null` to what a schema allows. */
export function orNull(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

/** An object with these properties; those that are named in `optional` may be absent. */
export function objectOf(properties: Record<string, JsonSchema>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', ...(required.length > 0 && { required }), properties };
}

/** A schema of this document. */
export function schemaRef(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
