import fc from 'fast-check';
import { oddJson, oddKey, type JsonText } from './json-text.ts';

/** As much of JSON Schema as OpenAPI and AsyncAPI documents use here. */
export interface Schema {
  $ref?: string;
  allOf?: Schema[];
  oneOf?: Schema[];
  const?: unknown;
  enum?: unknown[];
  type?: string;
  format?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
  minLength?: number;
  minimum?: number;
  maximum?: number;
}

export type Schemas = Record<string, Schema>;

/** Values that fit a property better than its schema tells, such as ids of what exists. */
export type Hints = Record<string, readonly unknown[]>;

const textOf = (value: unknown): JsonText => JSON.stringify(value);

/** Makes JSON that fits a schema, mostly: now and then a part of it is something else. */
export class SchemaValues {
  constructor(
    private readonly schemas: Schemas,
    private readonly hints: Hints,
  ) {}

  of(schema: Schema, name = ''): fc.Arbitrary<JsonText> {
    return fc.oneof({ weight: 9, arbitrary: this.fitting(schema, name) }, { weight: 1, arbitrary: oddJson });
  }

  private fitting(schema: Schema, name: string): fc.Arbitrary<JsonText> {
    const { $ref, oneOf, enum: values, properties, items, minLength = 1 } = schema;
    const hinted = this.hints[name];
    if (hinted) return fc.constantFrom(...hinted).map(textOf);
    if ($ref !== undefined) return this.fitting(this.named($ref), name);
    if ('const' in schema) return fc.constant(textOf(schema.const));
    if (values) return fc.constantFrom(...values).map(textOf);
    if (oneOf) return fc.oneof(...oneOf.map((each) => this.fitting(each, name)));
    if (schema.allOf) return this.fitting({ properties: this.propertiesOf(schema) }, name);
    if (properties) return this.object(properties);
    switch (schema.type) {
      case 'array':
        return fc.array(this.of(items ?? {}, name), { maxLength: 3 }).map((each) => `[${each.join()}]`);
      case 'integer':
      case 'number':
        return fc.integer({ min: schema.minimum ?? 0, max: schema.maximum ?? 1_000 }).map(textOf);
      case 'boolean':
        return fc.boolean().map(textOf);
      case 'string':
        if (schema.format === 'uuid') return fc.uuid().map(textOf);
        return fc.string({ minLength, maxLength: minLength + 20 }).map(textOf);
      default:
        return oddJson;
    }
  }

  private object(properties: Record<string, Schema>): fc.Arbitrary<JsonText> {
    const own = Object.entries(properties).map(([name, schema]) =>
      fc.option(
        this.of(schema, name).map((value) => `${textOf(name)}:${value}`),
        { freq: 8, nil: undefined },
      ),
    );
    const odd = fc.tuple(oddKey, oddJson).map(([key, value]) => `${key}:${value}`);
    return fc.tuple(...own, fc.oneof({ weight: 8, arbitrary: fc.constant(undefined) }, odd)).map((entries) => {
      return `{${entries.filter((entry) => entry !== undefined).join()}}`;
    });
  }

  private propertiesOf(schema: Schema): Record<string, Schema> {
    if (schema.$ref !== undefined) return this.propertiesOf(this.named(schema.$ref));
    const parts = (schema.allOf ?? []).map((part) => this.propertiesOf(part));
    return Object.assign({}, ...parts, schema.properties) as Record<string, Schema>;
  }

  private named($ref: string): Schema {
    const found = this.schemas[$ref.split('/').at(-1)!];
    if (!found) throw new Error(`the document refers to ${$ref}, which it does not hold`);
    return found;
  }
}
