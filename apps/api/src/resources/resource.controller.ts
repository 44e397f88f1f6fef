import { Body, Controller, Delete, Get, Inject, Param, Patch, Post, Query, Req, Res, type Type } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
  IntersectionType,
  getSchemaPath,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isUuid } from '#actions';
import { CurrentIdentity, type Identity } from '#auth';
import { ProblemError, type AcceptedAction, type Action } from '#contracts';
import { Database } from '#database';
import type { Page, Resource, Verb } from '#resources';
import { SubmissionService } from '../actions/submission.service.ts';
import { PageQuery } from '../http/page-query.dto.ts';
import { pageOf } from '../http/page.schema.ts';
import { ProblemResponses } from '../http/problem-responses.ts';
import { QueryPipe } from '../http/query.pipe.ts';
import { ID, SubmitRoute } from './submit-route.ts';

/** A route only where there is a verb behind it; without, the method answers as unknown ones do. */
const RouteOf = (verb: Verb | undefined, route: MethodDecorator): MethodDecorator => (verb ? route : () => undefined);

/** Makes the routes of a resource from its definition. */
export function resourceController(token: Type<Resource>, definition: Resource): Type {
  const { type, view, create, edit, filter } = definition;
  const createBody = create.payload ?? Object;
  const editBody = edit?.payload ?? Object;

  class ListQuery extends (filter ? IntersectionType(PageQuery, filter) : PageQuery) {}

  @ApiTags(type)
  @ApiBearerAuth()
  @ApiExtraModels(view)
  @Controller(`v1/${type}`)
  class ResourceController {
    constructor(
      @Inject(token) private readonly resource: Resource,
      @Inject(SubmissionService) private readonly submissions: SubmissionService,
      @Inject(Database) private readonly database: Database,
    ) {}

    @SubmitRoute({ summary: `Create one of ${type}; "id" may be chosen by the client (UUID)` }, { ifMatch: false })
    @ApiBody({
      schema: {
        allOf: [{ $ref: getSchemaPath(createBody) }, { properties: { id: { type: 'string', format: 'uuid' } } }],
      },
    })
    @ApiExtraModels(createBody)
    @Post()
    create(
      @CurrentIdentity() identity: Identity,
      @Body() body: unknown,
      @Req() request: FastifyRequest,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<AcceptedAction | Action> {
      const { id, payload } = splitId(body);
      return this.submissions.submit(identity, request, reply, { type: `${type}.create`, resourceId: id, payload });
    }

    @SubmitRoute({ summary: `Edit one of ${type}` }, { ifMatch: true })
    @ApiParam(ID)
    @ApiBody({ type: editBody })
    @RouteOf(edit, Patch(':id'))
    edit(
      @CurrentIdentity() identity: Identity,
      @Param('id') id: string,
      @Body() payload: unknown,
      @Req() request: FastifyRequest,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<AcceptedAction | Action> {
      return this.submissions.submit(identity, request, reply, { type: `${type}.edit`, resourceId: id, payload });
    }

    @SubmitRoute({ summary: `Delete one of ${type}` }, { ifMatch: true })
    @ApiParam(ID)
    @RouteOf(definition.delete, Delete(':id'))
    delete(
      @CurrentIdentity() identity: Identity,
      @Param('id') id: string,
      @Body() payload: unknown,
      @Req() request: FastifyRequest,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<AcceptedAction | Action> {
      return this.submissions.submit(identity, request, reply, { type: `${type}.delete`, resourceId: id, payload });
    }

    @ApiOperation({ summary: `List ${type}, the newest first` })
    @ApiOkResponse(pageOf(view))
    @ProblemResponses('VALIDATION_FAILED', 'CURSOR_INVALID', ...(filter ? (['NOT_FOUND'] as const) : []))
    @Get()
    list(
      @CurrentIdentity() { userId }: Identity,
      @Query(QueryPipe) { after, limit, ...others }: ListQuery,
    ): Promise<Page<object>> {
      return this.resource.list(this.database, userId, { after, limit, filter: others });
    }

    @ApiOperation({ summary: `Read one of ${type}; its version is the ETag` })
    @ApiParam(ID)
    @ApiOkResponse({ type: view, headers: { ETag: { description: 'its version', schema: { type: 'string' } } } })
    @ProblemResponses('VALIDATION_FAILED', 'NOT_FOUND')
    @Get(':id')
    async get(
      @CurrentIdentity() { userId }: Identity,
      @Param('id') id: string,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<object> {
      const found = isUuid(id) ? await this.resource.get(this.database, userId, id.toLowerCase()) : undefined;
      if (!found) throw new ProblemError('NOT_FOUND', `You can see no such one of ${type}`);
      void reply.header('ETag', `"${found.version}"`);
      return found;
    }
  }
  // The name under which OpenAPI groups the operations.
  Object.defineProperty(ResourceController, 'name', { value: `${token.name}Controller` });
  return ResourceController;
}

/** A create may bring the id of the new resource beside the fields of its DTO. */
function splitId(body: unknown): { id: unknown; payload: unknown } {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || !Object.hasOwn(body, 'id')) {
    return { id: undefined, payload: body };
  }
  const { id, ...payload } = body as { id: unknown };
  return { id, payload };
}
