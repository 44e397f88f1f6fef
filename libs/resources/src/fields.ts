import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsUUID, ValidateBy, ValidateIf } from 'class-validator';

/** A string of `min` to `max` Unicode code points. */
export function TextField({ min, max }: { min: number; max: number }): PropertyDecorator {
  return applyDecorators(
    ApiProperty({ type: String, minLength: min, maxLength: max }),
    ValidateBy({
      name: 'isText',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && fits(value, min, max),
        defaultMessage: () => `$property must be a string of ${min} to ${max} characters`,
      },
    }),
  );
}

function fits(value: string, min: number, max: number): boolean {
  // A code point has one or two units: most lengths are decided without counting.
  if (value.length < min || value.length > 2 * max) return false;
  if (value.length >= 2 * min && value.length <= max) return true;
  let length = 0;
  for (const _ of value) length += 1;
  return length >= min && length <= max;
}

/** The id of another resource (UUID, RFC 9562, in either case); may be left out. */
export function OptionalUuidField(): PropertyDecorator {
  return applyDecorators(
    ApiPropertyOptional({ type: String, format: 'uuid' }),
    ValidateIf((_dto, value) => value !== undefined),
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value)),
    IsUUID('loose', { message: '$property must be a UUID' }),
  );
}

/** The id of a resource in a view. */
export const IdField = (): PropertyDecorator => ApiProperty({ type: String, format: 'uuid' });

/** A time in a view: RFC 3339, UTC, milliseconds. */
export const TimeField = (): PropertyDecorator => ApiProperty({ type: String, format: 'date-time' });

/** The version in a view: 1 at first, one more with each edit; the `ETag` of the resource. */
export const VersionField = (): PropertyDecorator => ApiProperty({ type: Number, minimum: 1 });
