import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiHeader,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isUuid, validationFailed } from '#actions';
import { CurrentIdentity, type Identity } from '#auth';
import { ProblemError, type Action, type ProblemItem } from '#contracts';
import { Ledger } from '#ledger';
import { pageOf } from '../http/page.schema.ts';
import { ProblemResponses } from '../http/problem-responses.ts';
import { QueryPipe } from '../http/query.pipe.ts';
import { ID } from '../resources/submit-route.ts';
import { ActionView } from './action.dto.ts';
import { ActionsQuery } from './actions.query.ts';
import { BatchRequest, BatchResponse } from './batch.dto.ts';
import { BatchService, type BatchAnswer } from './batch.service.ts';
import { CancellationService } from './cancellation.service.ts';

const KEY_OF_BATCH: ProblemItem = {
  pointer: '#header/Idempotency-Key',
  code: 'IDEMPOTENCY_KEY',
  detail: 'is for single actions: in a batch, give each its own "idempotencyKey"',
};

@ApiTags('actions')
@ApiBearerAuth()
@Controller('v1/actions')
export class ActionsController {
  constructor(
    private readonly ledger: Ledger,
    private readonly batches: BatchService,
    private readonly cancellations: CancellationService,
  ) {}

  @ApiOperation({ summary: 'Submit up to 1000 actions at once; each gets its own answer' })
  @ApiBody({ type: BatchRequest })
  @ApiHeader({ name: 'traceparent', required: false, description: 'W3C Trace Context, kept with the actions' })
  @ApiAcceptedResponse({ type: BatchResponse })
  @ProblemResponses('VALIDATION_FAILED', 'MALFORMED_JSON', 'TOO_DEEP', 'UNSUPPORTED_MEDIA_TYPE')
  @Post('batch')
  @HttpCode(202)
  async batch(
    @CurrentIdentity() identity: Identity,
    @Body() body: unknown,
    @Req() { id: requestId, headers }: FastifyRequest,
    @Headers('traceparent') traceparent?: string,
  ): Promise<{ results: BatchAnswer[] }> {
    // Passed over, it would let a repetition submit everything twice.
    if (headers['idempotency-key'] !== undefined) throw validationFailed([KEY_OF_BATCH]);
    return { results: await this.batches.submit(identity, body, { requestId, traceparent }) };
  }

  @ApiOperation({ summary: 'Own actions, the newest first' })
  @ApiOkResponse(pageOf(ActionView))
  @ProblemResponses('VALIDATION_FAILED', 'CURSOR_INVALID')
  @Get()
  async list(
    @CurrentIdentity() { userId }: Identity,
    @Query(QueryPipe) { after, limit, ...filter }: ActionsQuery,
  ): Promise<{ data: Action[]; next: string | null }> {
    if (after !== undefined && !isUuid(after)) {
      throw new ProblemError('CURSOR_INVALID', 'Pass "next" of the page before as "after", unchanged');
    }
    const actions = await this.ledger.list(userId, { ...filter, before: after, limit: limit + 1 });
    const data = actions.slice(0, limit);
    return { data, next: actions.length > limit ? data.at(-1)!.id : null };
  }

  @ApiOperation({ summary: 'An own action, with its outcome once it has one' })
  @ApiParam(ID)
  @ApiOkResponse({ type: ActionView })
  @ProblemResponses('VALIDATION_FAILED', 'NOT_FOUND')
  @Get(':id')
  async get(@CurrentIdentity() { userId }: Identity, @Param('id') id: string): Promise<Action> {
    const action = isUuid(id) ? await this.ledger.find(userId, id.toLowerCase()) : undefined;
    if (!action) throw new ProblemError('NOT_FOUND', 'You have no action of this id');
    return action;
  }

  @ApiOperation({ summary: 'Cancel an own action: 202 when that ended it, 200 when it had its outcome already' })
  @ApiAcceptedResponse({ type: ActionView })
  @ApiParam(ID)
  @ApiOkResponse({ type: ActionView, description: 'It had its outcome already' })
  @ProblemResponses('VALIDATION_FAILED', 'MALFORMED_JSON', 'NOT_FOUND', 'UNSUPPORTED_MEDIA_TYPE')
  @Delete(':id')
  async cancel(
    @CurrentIdentity() { userId }: Identity,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Action> {
    if (!isUuid(id)) throw new ProblemError('NOT_FOUND', 'You have no action of this id');
    const { action, cancelled } = await this.cancellations.cancel(userId, id.toLowerCase());
    void reply.status(cancelled ? 202 : 200);
    return action;
  }
}
