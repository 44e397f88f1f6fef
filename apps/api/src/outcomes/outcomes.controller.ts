import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiExtraModels, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { CurrentIdentity, type Identity } from '#auth';
import {
  CURSOR_BEGINNING,
  decodeCursor,
  encodeCursor,
  ProblemError,
  userChannel,
  type Cursor,
  type Envelope,
} from '#contracts';
import { Deliveries, LedgerHistory } from '#ledger';
import { PageQuery } from '../http/page-query.dto.ts';
import { pageOf } from '../http/page.schema.ts';
import { ProblemResponses } from '../http/problem-responses.ts';
import { QueryPipe } from '../http/query.pipe.ts';
import { EnvelopeView } from './envelope.dto.ts';

@ApiTags('outcomes')
@ApiBearerAuth()
@ApiExtraModels(EnvelopeView)
@Controller('v1/outcomes')
export class OutcomesController {
  constructor(
    private readonly history: LedgerHistory,
    private readonly deliveries: Deliveries,
  ) {}

  @ApiOperation({
    summary: 'Events of the own channel after a cursor, the oldest first, as CloudEvents envelopes',
    description:
      'Without "after": none, and "next" is the present position. "0": from the beginning of what is retained.',
  })
  @ApiQuery({
    name: 'after',
    required: false,
    description: 'a cursor of the own channel: of an event, a 202, a session, or `next` of the page before',
    schema: { type: 'string' },
  })
  @ApiOkResponse(pageOf(EnvelopeView))
  @ProblemResponses('VALIDATION_FAILED', 'CURSOR_INVALID', 'CURSOR_GONE')
  @Get()
  async list(
    @CurrentIdentity() { userId }: Identity,
    @Query(QueryPipe) { after, limit }: PageQuery,
  ): Promise<{ data: Envelope[]; next: string | null }> {
    const channel = userChannel(userId);
    if (after === undefined) {
      const [head] = await this.history.heads([channel]);
      return { data: [], next: encodeCursor(head!) };
    }
    const position = positionOf(after, channel);
    const [page] = await this.history.read([
      { channel, after: position?.offset ?? 0, limit, ...(position && { check: position.check }) },
    ]);
    const { events, head, reason } = page!;
    if (position && reason === 'CURSOR_FUTURE')
      throw new ProblemError('CURSOR_INVALID', 'The cursor is ahead of all events');
    if (position && reason)
      throw new ProblemError('CURSOR_GONE', 'What followed the cursor is not retained; begin with "0"');
    const last = events.at(-1);
    return { data: events, next: last && last.offset < head.offset ? last.cursor : null };
  }

  @ApiOperation({ summary: 'How many events of the own channel are not marked as delivered' })
  @ApiOkResponse({
    schema: { type: 'object', required: ['unread'], properties: { unread: { type: 'integer', minimum: 0 } } },
  })
  @Get('unread')
  async unread(@CurrentIdentity() { userId }: Identity): Promise<{ unread: number }> {
    return { unread: await this.deliveries.unread(userId) };
  }
}

/** The position of a cursor of this channel; nothing for the beginning. */
function positionOf(after: string, channel: string): Cursor | undefined {
  if (after === CURSOR_BEGINNING) return undefined;
  const cursor = decodeCursor(after);
  if (cursor?.channel !== channel) throw new ProblemError('CURSOR_INVALID', 'The cursor is none of your channel');
  return cursor;
}
