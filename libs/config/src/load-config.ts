import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
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
  const given = Object.fromEntries(
    variablesOf(schema)
      .map((name) => [name, environment[name]] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const config = plainToInstance(schema, given, { enableImplicitConversion: true, exposeDefaultValues: true });
  const errors = validateSync(config, { forbidUnknownValues: true });
  if (errors.length > 0) {
    const lines = errors.flatMap((error) => Object.values(error.constraints ?? {}).map((text) => `  ${text}`));
    throw new ConfigError(`The environment is not valid (.env.example explains every variable):\n${lines.join('\n')}`);
  }
  return config;
}

/** The names of the variables that a config class reads. */
export function variablesOf(schema: new () => object): string[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(schema, '', false, false);
  return [...new Set(rules.map((rule) => rule.propertyName))];
}
