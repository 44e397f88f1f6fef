import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy } from 'class-validator';
import { parseAudience } from './audience.ts';

/** An audience: `everyone`, `authenticated`, `user:<id>` (raw, as in tokens) or `room:<id>`. */
export function AudienceField(): PropertyDecorator {
  return applyDecorators(
    ApiProperty({
      type: String,
      description: '`everyone`, `authenticated`, `user:<id>` or `room:<id>`',
      example: 'everyone',
    }),
    ValidateBy({
      name: 'isAudience',
      validator: {
        validate: (value: unknown) => typeof value === 'string' && parseAudience(value) !== undefined,
        defaultMessage: () => '$property must be everyone, authenticated, user:<id> or room:<id>',
      },
    }),
  );
}
