import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';

/** Whether a DTO breaks none of the rules of its class, and has no fields that these do not name. */
type Accepts = (dto: object) => boolean;

interface Rule {
  validate: (
    value: unknown,
    args: { object: object; property: string; value: unknown; constraints: unknown[]; targetName: string },
  ) => unknown;
  constraints: unknown[];
}

interface Field {
  /** When one of them says no, the rules do not matter. */
  conditions: ((dto: object, value: unknown) => boolean)[];
  rules: Rule[];
}

const compiled = new Map<Type, Accepts | null>();

/**
 * A shorter way to the same answer as class-validator's for what is valid: its rules of a
 * class, looked up once. Null where it does not know the kind of a rule (nested, grouped, for
 * each, asynchronous): there, as for what it does not accept, class-validator itself is asked.
 */
export function acceptsOf(schema: Type): Accepts | null {
  let accepts = compiled.get(schema);
  if (accepts === undefined) {
    accepts = compile(schema);
    compiled.set(schema, accepts);
  }
  return accepts;
}

function compile(schema: Type): Accepts | null {
  const storage = getMetadataStorage();
  const fields = new Map<string, Field>();
  for (const metadata of storage.getTargetValidationMetadatas(schema, '', false, false)) {
    const { type, propertyName, constraints, each, validateIf, constraintCls } = metadata;
    const groups = metadata.groups as string[] | undefined;
    const field = fields.get(propertyName) ?? { conditions: [], rules: [] };
    fields.set(propertyName, field);
    if (groups?.length || each || validateIf) return null;
    if (type === 'conditionalValidation') field.conditions.push(constraints[0] as Field['conditions'][number]);
    else if (type === 'customValidation') {
      const found = storage.getTargetValidatorConstraints(constraintCls);
      if (found.length === 0 || found.some(({ async }) => async)) return null;
      for (const { instance } of found)
        field.rules.push({ validate: instance.validate.bind(instance) as Rule['validate'], constraints });
    } else return null;
  }
  if (fields.size === 0) return null;
  const entries = [...fields];
  return (dto) => {
    for (const name of Object.keys(dto)) if (!fields.has(name)) return false;
    return entries.every(([property, { conditions, rules }]) => {
      const value = (dto as Record<string, unknown>)[property];
      if (!conditions.every((condition) => condition(dto, value))) return true;
      return rules.every(
        ({ validate, constraints }) =>
          validate(value, { object: dto, property, value, constraints, targetName: schema.name }) === true,
      );
    });
  };
}
