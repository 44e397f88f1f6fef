import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { validate, validationFailed } from '#actions';
import { RequireScope, Revocations } from '#auth';
import { ProblemResponses } from '../http/problem-responses.ts';
import { RevocationRequest } from './revocation.dto.ts';

@ApiTags('operations')
@ApiBearerAuth()
@RequireScope('ops')
@Controller('v1/revocations')
export class RevocationsController {
  constructor(private readonly revocations: Revocations) {}

  @ApiOperation({
    summary: 'Refuse the tokens of a user, or one token, issued until now; open connections close within seconds',
  })
  @ApiBody({ type: RevocationRequest })
  @ApiOkResponse({
    schema: {
      type: 'object',
      required: ['revokedAt'],
      properties: { revokedAt: { type: 'string', format: 'date-time' } },
    },
  })
  @ProblemResponses('VALIDATION_FAILED', 'MALFORMED_JSON', 'TOO_DEEP', 'FORBIDDEN', 'UNSUPPORTED_MEDIA_TYPE')
  @Post()
  @HttpCode(200)
  async revoke(@Body() body: unknown): Promise<{ revokedAt: string }> {
    const { user, jti } = validate(RevocationRequest, body);
    if ((user === undefined) === (jti === undefined)) {
      throw validationFailed([{ pointer: '', code: 'ONE_OF', detail: 'must have either "user" or "jti"' }]);
    }
    const revokedAt = await (user === undefined
      ? this.revocations.revoke('token', jti!)
      : this.revocations.revoke('user', user));
    return { revokedAt };
  }
}
