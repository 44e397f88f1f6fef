import { Controller, Get, Inject, Param, Query, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiExtraModels, ApiOkResponse, ApiOperation, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { isUuid } from '#actions';
import { CurrentIdentity, type Identity } from '#auth';
import { ProblemError } from '#contracts';
import { Database } from '#database';
import type { Page, Resource } from '#resources';
import { PageQuery } from '../http/page-query.dto.ts';
import { QueryPipe } from '../http/query.pipe.ts';

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
    @ApiOkResponse({
      schema: {
        properties: {
          data: { type: 'array', items: { $ref: getSchemaPath(view) } },
          next: { type: 'string', nullable: true },
        },
      },
    })
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
