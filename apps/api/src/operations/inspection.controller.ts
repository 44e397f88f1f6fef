import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { isUuid, validationFailed } from '#actions';
import { CurrentIdentity, RequireScope, type Identity } from '#auth';
import { isUserId, ProblemError, type AcceptedAction } from '#contracts';
import { AcceptedActionView } from '../actions/action.dto.ts';
import { pageOf } from '../http/page.schema.ts';
import { ProblemResponses } from '../http/problem-responses.ts';
import { QueryPipe } from '../http/query.pipe.ts';
import { ID } from '../resources/submit-route.ts';
import { ErasureService } from './erasure.service.ts';
import { ErasureView, InspectedActionView, InspectionQuery, type InspectedAction } from './inspection.dto.ts';
import { InspectionService } from './inspection.service.ts';

@ApiTags('operations')
@ApiBearerAuth()
@RequireScope('ops')
@Controller('v1/ops')
export class InspectionController {
  constructor(
    private readonly inspection: InspectionService,
    private readonly erasure: ErasureService,
  ) {}

  @ApiOperation({ summary: 'The actions of all users, the newest first' })
  @ApiOkResponse(pageOf(InspectedActionView))
  @ProblemResponses('VALIDATION_FAILED', 'CURSOR_INVALID', 'FORBIDDEN')
  @Get('actions')
  async list(
    @Query(QueryPipe) { after, limit, ...filter }: InspectionQuery,
  ): Promise<{ data: InspectedAction[]; next: string | null }> {
    if (after !== undefined && !isUuid(after)) {
      throw new ProblemError('CURSOR_INVALID', 'Pass "next" of the page before as "after", unchanged');
    }
    const actions = await this.inspection.list({ ...filter, before: after, limit: limit + 1 });
    const data = actions.slice(0, limit);
    return { data, next: actions.length > limit ? data.at(-1)!.id : null };
  }

  @ApiOperation({ summary: 'An action of any user, with its payload' })
  @ApiParam(ID)
  @ApiOkResponse({ type: InspectedActionView })
  @ProblemResponses('VALIDATION_FAILED', 'NOT_FOUND', 'FORBIDDEN')
  @Get('actions/:id')
  get(@Param('id') id: string): Promise<InspectedAction> {
    return this.inspection.get(uuidOf(id));
  }

  @ApiOperation({
    summary: 'Submit what failed or expired once more, for its owner, as another action',
    description:
      'An outcome is final: the old action keeps it, with `retriedBy`. Asked again within a day, the answer is the same.',
  })
  @ApiParam(ID)
  @ApiAcceptedResponse({ type: AcceptedActionView })
  @ProblemResponses('NOT_FOUND', 'VALIDATION_FAILED', 'MALFORMED_JSON', 'UNSUPPORTED_MEDIA_TYPE', 'FORBIDDEN')
  @Post('actions/:id/retry')
  @HttpCode(202)
  retry(@CurrentIdentity() { userId }: Identity, @Param('id') id: string): Promise<AcceptedAction> {
    return this.inspection.retry(uuidOf(id), userId);
  }

  @ApiOperation({
    summary: 'Erase a user: cancels what is unfinished, blanks payloads and events, deletes their resources and keys',
    description: 'Their tokens are revoked. Events keep their offsets; the id of the user goes with the retention.',
  })
  @ApiParam({ name: 'user', description: '`sub` of the user' })
  @ApiOkResponse({ type: ErasureView })
  @ProblemResponses('VALIDATION_FAILED', 'MALFORMED_JSON', 'UNSUPPORTED_MEDIA_TYPE', 'FORBIDDEN')
  @Delete('users/:user')
  erase(@Param('user') user: string): Promise<ErasureView> {
    if (!isUserId(user)) {
      throw validationFailed([{ pointer: '#path/user', code: 'IS_USER', detail: 'must be the `sub` of a user' }]);
    }
    return this.erasure.erase(user);
  }
}

function uuidOf(id: string): string {
  if (!isUuid(id)) throw new ProblemError('NOT_FOUND', 'There is no action of this id');
  return id.toLowerCase();
}
