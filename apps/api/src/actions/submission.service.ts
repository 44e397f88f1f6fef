import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  ActionsService,
  validationFailed,
  type Accepted,
  type ActionRequest,
  type RequestPlaces,
  type Submitter,
} from '#actions';
import type { AcceptedAction, Action } from '#contracts';
import { ActionLog, enterTrace } from '#telemetry';
import { OutcomeWaiter } from './outcome-waiter.ts';

/** Seconds after which asking for the action is worth a try; most are done long before. */
const RETRY_AFTER_SECONDS = '1';

/** Longest time that a client may ask to wait, in seconds. */
const LONGEST_WAIT_SECONDS = 30;

const IN_HTTP: Omit<RequestPlaces, 'payload'> = {
  resourceId: '#path/id',
  ifMatch: '#header/If-Match',
  idempotencyKey: '#header/Idempotency-Key',
};

/** From an HTTP request to its 202, or to the finished action if the client prefers to wait. */
@Injectable()
export class SubmissionService {
  constructor(
    private readonly actions: ActionsService,
    private readonly outcomes: OutcomeWaiter,
    private readonly log: ActionLog,
  ) {}

  /**
   * Submits what a request asks for; sets the status and the headers of the reply.
   *
   * @param payloadAt the pointer to the payload, when it is not the body
   */
  async submit(
    submitter: Submitter,
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Pick<ActionRequest, 'type' | 'resourceId' | 'payload'>,
    payloadAt = '',
  ): Promise<AcceptedAction | Action> {
    const { headers } = request;
    const whole = { ...asked, idempotencyKey: idempotencyKeyOf(request), ifMatch: headers['if-match'] };
    const places = { ...IN_HTTP, payload: payloadAt, ...(request.method === 'POST' && { resourceId: '/id' }) };
    const { action, replayed } = await this.accept(submitter, request, whole, places);
    void reply.header('Location', `/v1/actions/${action.id}`);
    if (replayed) void reply.header('Idempotency-Replayed', 'true');
    const finished = await this.finishedInTime(action.id, preferredWait(headers['prefer']), reply);
    if (finished) {
      void reply.status(200);
      return finished;
    }
    void reply.status(202).header('Retry-After', RETRY_AFTER_SECONDS);
    return action;
  }

  private async accept(
    submitter: Submitter,
    request: FastifyRequest,
    asked: ActionRequest,
    places: RequestPlaces,
  ): Promise<Accepted> {
    const startedAt = Date.now();
    const { traceparent, end } = enterTrace(
      `${request.method} ${request.routeOptions.url}`,
      request.headers['traceparent'],
    );
    try {
      const accepted = await this.actions.submit(submitter, { ...asked, traceparent }, places);
      const times = { startedAt, endedAt: Date.now() };
      this.log.note('accepted', { ...accepted.action, traceparent }, times, { requestId: request.id });
      return accepted;
    } finally {
      end();
    }
  }

  private finishedInTime(
    id: string,
    seconds: number | undefined,
    reply: FastifyReply,
  ): Promise<Action | undefined> | undefined {
    if (seconds === undefined) return undefined;
    const waiting = this.outcomes.wait(id, seconds * 1000, reply.raw);
    if (waiting) void reply.header('Preference-Applied', `wait=${seconds}`);
    return waiting;
  }
}

/** Node joins several by a comma, which may be a part of one: as a key of their own they would bring anything in once more. */
function idempotencyKeyOf({ headers, raw: { rawHeaders } }: FastifyRequest): unknown {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === 'idempotency-key').length > 1) {
    throw validationFailed([
      { pointer: IN_HTTP.idempotencyKey, code: 'IDEMPOTENCY_KEY', detail: 'must be given once' },
    ]);
  }
  return headers['idempotency-key'];
}

/** `Prefer: wait=N` (RFC 7240): preferences that are not understood are ignored, long ones are shortened. */
function preferredWait(header: string | string[] | undefined): number | undefined {
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d+)"?\s*(?:$|[,;])/i.exec([header ?? ''].flat().join(',')) ?? [];
  return seconds === undefined ? undefined : Math.min(Number(seconds), LONGEST_WAIT_SECONDS);
}
