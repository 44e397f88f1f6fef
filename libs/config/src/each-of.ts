import { ValidateBy } from 'class-validator';

/** For a list, separated by commas, each part of which must be right. */
export function EachOf(isRight: (part: string) => boolean, right: string): PropertyDecorator {
  const wrong = (value: unknown): string | undefined => partsOf(value).find((part) => !isRight(part));
  return ValidateBy({
    name: 'eachOf',
    validator: {
      validate: (value: unknown) => wrong(value) === undefined,
      defaultMessage: (given) => `$property has "${wrong(given?.value)}", which is not ${right}`,
    },
  });
}

function partsOf(value: unknown): string[] {
  return String(value)
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}
