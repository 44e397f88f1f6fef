import 'reflect-metadata';
import { getMetadataStorage, validateSync } from 'class-validator';

/** The environment does not fit: names every variable that is wrong, and how. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Parses the environment into `schema`, once, at boot. Variables that are unset or
 * empty take the default of their property.
 *
 * @throws {ConfigError} with a line for each wrong variable.
 */
export function loadConfig<Config extends object>(
  schema: new () => Config,
  environment: Record<string, string | undefined> = process.env,
): Config {
  const config = new schema();
  for (const name of variablesOf(schema)) {
    const value = environment[name];
    if (value !== undefined && value !== '') Reflect.set(config, name, parse(value, Reflect.get(config, name)));
  }
  const errors = validateSync(config, { forbidUnknownValues: true });
  if (errors.length > 0) {
    const lines = errors.flatMap((error) => Object.values(error.constraints ?? {}).map((text) => `  ${text}`));
    throw new ConfigError(`The environment is not valid (.env.example explains every variable):\n${lines.join('\n')}`);
  }
  return config;
}

/** Reads a value as what its default is; class-validator then refuses what could not be read. */
function parse(value: string, fallback: unknown): unknown {
  if (typeof fallback === 'number') return /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof fallback === 'boolean' && /^(true|false|1|0)$/.test(value)) return value === 'true' || value === '1';
  return value;
}

/** The names of the variables that a config class reads. */
export function variablesOf(schema: new () => object): string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(schema, '', false, false);
  return [...new Set(rules.map((rule) => rule.propertyName))];
}
