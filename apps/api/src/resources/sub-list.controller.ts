import { Controller, Get, Inject, Param, Query, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiExtraModels, ApiOkResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import { isUuid } from '#actions';
import { CurrentIdentity, type Identity } from '#auth';
import { ProblemError } from '#contracts';
import { Database } from '#database';
import type { Page, Resource } from '#resources';
import { PageQuery } from '../http/page-query.dto.ts';
import { pageOf } from '../http/page.schema.ts';
import { ProblemResponses } from '../http/problem-responses.ts';
import { QueryPipe } from '../http/query.pipe.ts';
import { ID } from './submit-route.ts';

/** Makes the route of a list below a resource, such as `GET /v1/rooms/:id/members`. */
export function subListController(token: Type<Resource>, { type, lists }: Resource, index: number): Type {
  const { path, view } = lists[index]!;

  @ApiTags(type)
  @ApiBearerAuth()
  @ApiExtraModels(view)
  @Controller(`v1/${type}`)
  class SubListController {
    constructor(
      @Inject(token) private readonly resource: Resource,
      @Inject(Database) private readonly database: Database,
    ) {}

    @ApiOperation({ operationId: `${type}.${path}`, summary: `List the ${path} of one of ${type}` })
    @ApiParam(ID)
    @ApiOkResponse(pageOf(view))
    @ProblemResponses('VALIDATION_FAILED', 'CURSOR_INVALID', 'NOT_FOUND')
    @Get(`:id/${path}`)
    async list(
      @CurrentIdentity() { userId }: Identity,
      @Param('id') id: string,
      @Query(QueryPipe) { after, limit }: PageQuery,
    ): Promise<Page<object>> {
      const page = { after, limit, filter: {} };
      const found = isUuid(id)
        ? await this.resource.lists[index]!.list(this.database, userId, id.toLowerCase(), page)
        : undefined;
      if (!found) throw new ProblemError('NOT_FOUND', `You can see no such one of ${type}`);
      return found;
    }
  }
  Object.defineProperty(SubListController, 'name', { value: `${token.name}${path}Controller` });
  return SubListController;
}
