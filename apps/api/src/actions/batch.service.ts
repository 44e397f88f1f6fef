import { Injectable } from '@nestjs/common';
import { ActionsService, parseActionRequest, validate, type Submitter } from '#actions';
import type { AcceptedAction, Problem } from '#contracts';
import { toProblemError } from '#http';
import { BatchRequest } from './batch.dto.ts';

export type BatchAnswer = { action: AcceptedAction } | { problem: Problem };

/** Submits many actions at once; what is wrong with one concerns no other. */
@Injectable()
export class BatchService {
  constructor(private readonly actions: ActionsService) {}

  /**
   * @throws {ProblemError} when the batch as a whole is not valid
   */
  submit(submitter: Submitter, body: unknown, traceparent: string | undefined): Promise<BatchAnswer[]> {
    const { actions } = parseBatch(body);
    // All are handed over in their order before the first is written.
    return Promise.all(actions.map((item) => this.answer(submitter, item, traceparent)));
  }

  private async answer(submitter: Submitter, item: unknown, traceparent: string | undefined): Promise<BatchAnswer> {
    try {
      const { action } = await this.actions.submit(submitter, { ...parseActionRequest(item), traceparent });
      return { action };
    } catch (error) {
      return { problem: toProblemError(error).toProblem() };
    }
  }
}

/** The items are looked at one by one later; here only their number counts. */
function parseBatch(body: unknown): { actions: unknown[] } {
  const { actions, ...others } = typeof body === 'object' && body !== null ? (body as { actions?: unknown }) : {};
  const checked = validate(BatchRequest, { ...others, ...(actions !== undefined && { actions: lengthOf(actions) }) });
  return { actions: Array.isArray(actions) ? actions : checked.actions };
}

/** A stand-in of the same length, so that a bad item does not spoil the batch. */
function lengthOf(actions: unknown): unknown {
  return Array.isArray(actions) ? Array.from({ length: actions.length }, () => null) : actions;
}
