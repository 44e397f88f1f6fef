import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
  validateSync,
} from 'class-validator';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptsOf } from './accepts.ts';

class Base {
  @IsString()
  @Length(1, 3)
  name!: string;

  @IsInt()
  @Max(9)
  size!: number;
}

class Whole extends Base {
  /** Overrules the rule of the same kind. */
  @IsInt()
  @Min(5)
  declare size: number;

  @IsOptional()
  @IsUUID('all')
  id?: string | null;

  @ValidateIf((dto: Whole) => dto.flag === true)
  @IsIn(['a', 'b'])
  choice?: string;

  @IsOptional()
  @IsBoolean()
  flag?: boolean;

  @IsOptional()
  @Matches(/^x/)
  code?: string;
}

const UUID = '0195f0a0-0000-7000-8000-000000000000';
const VALUES = [
  '',
  'a',
  'b',
  'abcd',
  'x1',
  'é',
  UUID,
  -1,
  0,
  4,
  5,
  9,
  10,
  1.5,
  NaN,
  true,
  false,
  null,
  undefined,
  [],
  {},
  ['a'],
];
const value = fc.oneof(fc.constantFrom(...VALUES), fc.string(), fc.integer());

const FIELDS = ['name', 'size', 'id', 'choice', 'flag', 'code', 'unknown', 'toString'];

const valid = { name: 'a', size: 5 };

describe('acceptsOf', () => {
  it('accepts what class-validator finds nothing wrong with, and nothing else', () => {
    let [right, wrong] = [0, 0];
    const changes = fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 3 });
    fc.assert(
      fc.property(changes, (some) => {
        const dto = Object.assign(new Whole(), valid, some);
        const errors = validateSync(dto, { whitelist: true, forbidNonWhitelisted: true });
        if (errors.length > 0) wrong += 1;
        else right += 1;
        expect(acceptsOf(Whole)!(dto)).toBe(errors.length === 0);
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(right, wrong)).toBeGreaterThan(50);
  });

  it('leaves to class-validator what it does not know: nested, for each, in groups, and no rules at all', () => {
    class Nested {
      @ValidateNested()
      inner!: Whole;
    }
    class Each {
      @IsArray()
      @IsString({ each: true })
      names!: string[];
    }
    class Grouped {
      @IsString({ groups: ['some'] })
      name!: string;
    }
    class Bare {
      name!: string;
    }
    for (const schema of [Nested, Each, Grouped, Bare]) expect(acceptsOf(schema)).toBeNull();
  });
});
