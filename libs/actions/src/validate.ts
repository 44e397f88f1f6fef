import type { Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { ProblemError, type ProblemItem } from '#contracts';
import { acceptsOf } from './accepts.ts';
import { inspectJson } from './inspect-json.ts';

/**
 * Parses a body into its DTO. Its class-validator rules are the authority; fields they do
 * not name are refused.
 *
 * @param at the pointer to the input, when it is a part of something
 * @throws {ProblemError} `VALIDATION_FAILED` with a pointer to each thing that is wrong
 */
export function validate<Dto extends object>(schema: Type<Dto>, input: unknown, at = ''): Dto {
  inspectJson(input, at);
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw validationFailed([{ pointer: at, code: 'NOT_AN_OBJECT', detail: 'must be a JSON object' }]);
  }
  const dto = plainToInstance(schema, input);
  if (acceptsOf(schema)?.(dto)) return dto;
  const errors = validateSync(dto, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  if (errors.length > 0) throw validationFailed(errors.flatMap((error) => itemsOf(error, at)));
  return dto;
}

/** Most things that a problem lists: the answer to a bad body must not be larger than the body. */
const MOST_ERRORS = 50;

/** The problem of an input in which these things are wrong. */
export function validationFailed(errors: ProblemItem[]): ProblemError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const place = first?.pointer.replace(/^[/#]/, '').replaceAll('/', '.') || 'the body';
  return new ProblemError('VALIDATION_FAILED', `${place} ${first?.detail ?? 'is not valid'}${more}`, {
    errors: errors.slice(0, MOST_ERRORS),
  });
}

function itemsOf({ property, constraints, children }: ValidationError, parent: string): ProblemItem[] {
  const pointer = `${parent}/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  // The rules as the DTO has them, what it must be first: decorators are applied from below.
  const own = Object.entries(constraints ?? {})
    .toReversed()
    .map(([rule, text]) =>
      rule === 'whitelistValidation'
        ? { pointer, code: 'UNKNOWN_FIELD', detail: 'is not a known field' }
        : {
            pointer,
            code: codeOf(rule),
            detail: text.startsWith(`${property} `) ? text.slice(property.length + 1) : text,
          },
    );
  return [...own, ...(children ?? []).flatMap((child) => itemsOf(child, pointer))];
}

/** `isText` → `IS_TEXT` */
function codeOf(rule: string): string {
  return rule.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
