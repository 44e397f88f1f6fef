import type { FastifyReply, FastifyRequest } from 'fastify';
import { ActionsService, type ActionRequest, type RequestPlaces } from '#actions';
import type { AcceptedAction } from '#contracts';

/** Seconds after which asking for the action is worth a try; most are done long before. */
const RETRY_AFTER_SECONDS = '1';

const IN_HTTP: RequestPlaces = {
  resourceId: '#path/id',
  ifMatch: '#header/If-Match',
  idempotencyKey: '#header/Idempotency-Key',
};

/** Submits what a request asks for, and answers 202 with where the action can be seen. */
export async function submitAndAccept(
  actions: ActionsService,
  owner: string,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Pick<ActionRequest, 'type' | 'resourceId' | 'payload'>,
): Promise<AcceptedAction> {
  const { headers } = request;
  const places = asked.type?.toString().endsWith('.create') ? { ...IN_HTTP, resourceId: '/id' } : IN_HTTP;
  const { action, replayed } = await actions.submit(
    owner,
    {
      ...asked,
      idempotencyKey: headers['idempotency-key'],
      ifMatch: headers['if-match'],
      traceparent: one(headers['traceparent']),
    },
    places,
  );
  void reply.status(202).header('Location', `/v1/actions/${action.id}`).header('Retry-After', RETRY_AFTER_SECONDS);
  if (replayed) void reply.header('Idempotency-Replayed', 'true');
  return action;
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A `traceparent` (W3C Trace Context); a malformed one is ignored, as the recommendation asks. */
function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;
}
