import { Body, Controller, Inject, Param, Req, RequestMapping, RequestMethod, Res, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { validationFailed } from '#actions';
import { CurrentIdentity, type Identity } from '#auth';
import type { AcceptedAction, Action } from '#contracts';
import type { Resource, RoutedVerb } from '#resources';
import { SubmissionService } from '../actions/submission.service.ts';
import { ID, SubmitRoute } from './submit-route.ts';

/** Makes the route of a further verb, such as `PUT /v1/rooms/:id/members/:userId`; its parameters are the payload. */
export function verbController(token: Type<Resource>, { type }: Resource, name: string, verb: RoutedVerb): Type {
  const places = [...verb.path.matchAll(/:(\w+)/g)].map(([, place]) => place!);

  @ApiTags(type)
  @ApiBearerAuth()
  @Controller(`v1/${type}`)
  class VerbController {
    constructor(@Inject(SubmissionService) private readonly submissions: SubmissionService) {}

    @SubmitRoute({ operationId: `${type}.${name}`, summary: `${type}.${name}` }, { ifMatch: true })
    @ApiParam(ID)
    @RequestMapping({ path: `:id/${verb.path}`, method: RequestMethod[verb.method] })
    submit(
      @CurrentIdentity() identity: Identity,
      @Param() { id, ...payload }: Record<string, string>,
      @Body() body: unknown,
      @Req() request: FastifyRequest,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<AcceptedAction | Action> {
      if (!isEmpty(body)) {
        throw validationFailed([{ pointer: '', code: 'NO_BODY', detail: `must be empty: ${type}.${name} takes none` }]);
      }
      const asked = { type: `${type}.${name}`, resourceId: id, payload };
      return this.submissions.submit(identity, request, reply, asked, '#path');
    }
  }
  const prototype = VerbController.prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'submit')!;
  for (const place of places) ApiParam({ name: place, schema: { type: 'string' } })(prototype, 'submit', descriptor);
  Object.defineProperty(VerbController, 'name', { value: `${token.name}${name}Controller` });
  return VerbController;
}

function isEmpty(body: unknown): boolean {
  return body === undefined || body === null || (typeof body === 'object' && Object.keys(body).length === 0);
}
