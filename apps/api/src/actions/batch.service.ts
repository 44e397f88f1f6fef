import { Injectable, Logger } from '@nestjs/common';
import { ActionsService, parseActionRequest, validate, type Submitter } from '#actions';
import { ProblemError, type AcceptedAction, type Problem } from '#contracts';
import { toProblemError } from '#http';
import { ActionLog, enterTrace } from '#telemetry';
import { BATCH_MOST, BatchRequest } from './batch.dto.ts';

export type BatchAnswer = { action: AcceptedAction } | { problem: Problem };

/** The request that brings a batch. */
export interface BatchContext {
  requestId: string;
  /** As it was sent. */
  traceparent?: string | undefined;
}

/** Submits many actions at once; what is wrong with one concerns no other. */
@Injectable()
export class BatchService {
  private readonly logger = new Logger(BatchService.name);

  constructor(
    private readonly actions: ActionsService,
    private readonly log: ActionLog,
  ) {}

  /**
   * @throws {ProblemError} when the batch as a whole is not valid, or nothing of it could be recorded
   */
  async submit(submitter: Submitter, body: unknown, request: BatchContext): Promise<BatchAnswer[]> {
    const { actions } = parseBatch(body);
    const { traceparent, end } = enterTrace('POST /v1/actions/batch', request.traceparent);
    // All are handed over in their order before the first is written.
    const answering = actions.map((item) => this.answer(submitter, item, { ...request, traceparent }));
    const answers = await Promise.all(answering).finally(end);
    if (answers.every(isUnavailable)) throw answers[0]!;
    return answers.map((answer) => (answer instanceof ProblemError ? { problem: answer.toProblem() } : answer));
  }

  private async answer(
    submitter: Submitter,
    item: unknown,
    request: BatchContext,
  ): Promise<{ action: AcceptedAction } | ProblemError> {
    const startedAt = Date.now();
    const { requestId, traceparent } = request;
    try {
      const { action } = await this.actions.submit(submitter, { ...parseActionRequest(item), traceparent });
      const times = { startedAt, endedAt: Date.now() };
      this.log.note('accepted', { ...action, traceparent }, times, { requestId });
      return { action };
    } catch (error) {
      const problem = toProblemError(error);
      if (problem.status >= 500 && !isUnavailable(problem)) this.logger.error({ err: error, requestId });
      return problem;
    }
  }
}

/** That the ledger cannot be reached is told by its health, not by each request. */
function isUnavailable(answer: unknown): answer is ProblemError {
  return answer instanceof ProblemError && answer.code === 'UNAVAILABLE';
}

/** The items are looked at one by one later; here only their number counts. */
function parseBatch(body: unknown): { actions: unknown[] } {
  const { actions, ...others } = typeof body === 'object' && body !== null ? (body as { actions?: unknown }) : {};
  const checked = validate(BatchRequest, { ...others, ...(actions !== undefined && { actions: lengthOf(actions) }) });
  return { actions: Array.isArray(actions) ? actions : checked.actions };
}

/** A stand-in of the same length, so that a bad item does not spoil the batch; of what is too long, no longer than that shows. */
function lengthOf(actions: unknown): unknown {
  if (!Array.isArray(actions)) return actions;
  return Array.from({ length: Math.min(actions.length, BATCH_MOST + 1) }, () => null);
}
