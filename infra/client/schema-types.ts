import { nameOf, type OpenApi, type Schema } from './openapi.ts';

/** Writes schemas as TypeScript, and those they refer to. */
export class SchemaTypes {
  readonly #schemas: OpenApi['components']['schemas'];
  readonly #written = new Map<string, string>();

  constructor(schemas: OpenApi['components']['schemas']) {
    this.#schemas = schemas;
  }

  /** The interfaces that were needed so far. */
  get interfaces(): string[] {
    return [...this.#written.values()];
  }

  /** An expression for a schema. */
  typeOf(schema: Schema): string {
    const type = this.bareTypeOf(schema);
    return schema.nullable ? `${type} | null` : type;
  }

  /** Members of an interface, each with its documentation. */
  members(properties: Record<string, Schema>, required: readonly string[] = []): string {
    return Object.entries(properties)
      .map(([name, schema]) => {
        const optional = required.includes(name) ? '' : '?';
        return `${documentation(schema)}${keyOf(name)}${optional}: ${this.typeOf(schema)};`;
      })
      .join('\n');
  }

  private bareTypeOf(schema: Schema): string {
    const name = nameOf(schema);
    if (name !== undefined) return this.reference(name);
    if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
    if (schema.allOf) return schema.allOf.map((one) => this.typeOf(one)).join(' & ');
    const either = schema.oneOf ?? schema.anyOf;
    if (either) return either.map((one) => this.typeOf(one)).join(' | ');
    switch (schema.type) {
      case 'string':
      case 'boolean':
      case 'null':
        return schema.type;
      case 'number':
      case 'integer':
        return 'number';
      case 'array':
        return `(${this.typeOf(schema.items ?? {})})[]`;
      case 'object':
        return this.objectType(schema);
      default:
        return 'unknown';
    }
  }

  private objectType({ properties, required, additionalProperties }: Schema): string {
    if (properties && Object.keys(properties).length > 0) return `{\n${this.members(properties, required)}\n}`;
    const values = typeof additionalProperties === 'object' ? this.typeOf(additionalProperties) : 'unknown';
    return `Record<string, ${values}>`;
  }

  private reference(name: string): string {
    if (this.#written.has(name)) return name;
    const schema = this.#schemas[name];
    if (!schema) throw new Error(`The document refers to a schema that it lacks: ${name}`);
    // Before its members, which may refer to it.
    this.#written.set(name, '');
    const isInterface = schema.properties !== undefined && !schema.nullable;
    const text = isInterface
      ? `export interface ${name} {\n${this.members(schema.properties!, schema.required)}\n}`
      : `export type ${name} = ${this.typeOf(schema)};`;
    this.#written.set(name, `${documentation({ description: schema.description ?? '' })}${text}`);
    return name;
  }
}

function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** What a type cannot say. */
function documentation(schema: Schema): string {
  const notes = [schema.description, lengthOf(schema), rangeOf(schema), FORMATS[schema.format ?? '']];
  const text = notes.filter(Boolean).join('; ').replaceAll('*/', '*\\/');
  return text === '' ? '' : `/** ${text}. */\n`.replace('.. */', '. */');
}

const FORMATS: Record<string, string> = { uuid: 'UUID', 'date-time': 'RFC 3339, UTC, milliseconds' };

function lengthOf({ minLength, maxLength }: Schema): string | undefined {
  if (maxLength === undefined) return undefined;
  return `${minLength ?? 0} to ${maxLength} characters`;
}

function rangeOf({ minimum, maximum }: Schema): string | undefined {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return minimum === undefined ? undefined : `${minimum} or more`;
}
