import { ValidateBy, type ValidationArguments } from 'class-validator';

/** Refuses a number that is not below that of another variable. */
export function LessThan(other: string): PropertyDecorator {
  return ValidateBy({
    name: 'lessThan',
    validator: {
      validate: (value: unknown, given?: ValidationArguments) =>
        Number(value) < Number((given!.object as Record<string, unknown>)[other]),
      defaultMessage: () => `$property must be less than ${other}`,
    },
  });
}
