import { Type } from 'class-transformer';
import { IsArray, IsInt, IsOptional, IsString, Max, ValidateNested } from 'class-validator';
import { describe, expect, it } from 'vitest';
import { ProblemError, type ProblemItem } from '#contracts';
import { validate } from './validate.ts';

class Line {
  @IsInt()
  @Max(9)
  amount!: number;
}

class Order {
  @IsString()
  title!: string;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => Line)
  lines?: Line[];
}

function problemOf(input: unknown): { detail: string; errors: ProblemItem[] } {
  try {
    validate(Order, input);
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'VALIDATION_FAILED') {
      return { detail: error.detail, errors: error.options.errors ?? [] };
    }
    throw error;
  }
  return { detail: '', errors: [] };
}

describe('validate', () => {
  it('gives an instance of the DTO', () => {
    const order = validate(Order, { title: 'a', lines: [{ amount: 1 }] });
    expect(order).toBeInstanceOf(Order);
    expect(order).toEqual({ title: 'a', lines: [{ amount: 1 }] });
  });

  it('points at each thing that is wrong, with the rule as code', () => {
    const { errors, detail } = problemOf({ title: 7, lines: [{ amount: 1 }, { amount: 10 }] });
    expect(errors.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/title', 'IS_STRING'],
      ['/lines/1/amount', 'MAX'],
    ]);
    expect(errors[0]!.detail).toBe('must be a string');
    expect(detail).toBe('title must be a string (and 1 more)');
  });

  it('says first what a field must be, then how large', () => {
    const { errors, detail } = problemOf({ title: 'a', lines: [{ amount: 'x' }] });
    expect(errors.map(({ code }) => code)).toEqual(['IS_INT', 'MAX']);
    expect(detail).toBe('lines.0.amount must be an integer number (and 1 more)');
  });

  it('refuses fields that the DTO does not name', () => {
    const { errors } = problemOf({ title: 'a', 'x/y': 1 });
    expect(errors).toEqual([{ pointer: '/x~1y', code: 'UNKNOWN_FIELD', detail: 'is not a known field' }]);
  });

  it('converts nothing: "1" is no number', () => {
    expect(problemOf({ title: 'a', lines: [{ amount: '1' }] }).errors).not.toEqual([]);
  });

  it.each([[undefined], [null], ['text'], [7], [true], [[]], [[{ title: 'a' }]]])('refuses %j as a body', (input) => {
    expect(problemOf(input).errors).toEqual([{ pointer: '', code: 'NOT_AN_OBJECT', detail: 'must be a JSON object' }]);
  });

  it('refuses what no part of the system can carry before it looks at the rules', () => {
    expect(problemOf({ title: 'a\0' }).errors[0]!.code).toBe('NUL_CHARACTER');
  });
});
