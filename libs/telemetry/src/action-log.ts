import { Injectable, Logger } from '@nestjs/common';
import { ProcessConfig } from '#config';
import { recordStep } from './tracing.ts';
import { parseTraceparent, traceIdOf } from './traceparent.ts';

/** What an action passes on its way; each is one line of the log, and one span of the trace. */
export type ActionStep = 'accepted' | 'performed' | 'applied' | 'published' | 'delivered' | 'acknowledged';

export interface TracedAction {
  id: string;
  type: string;
  traceparent?: string | null | undefined;
}

/** When a step began and ended, in milliseconds since 1970. */
export interface StepTime {
  startedAt: number;
  endedAt: number;
}

/**
 * Tells of single actions, by their id and that of their trace: in the log at level `info` if
 * their `traceparent` is sampled, else at `debug`; and as spans, where traces are exported.
 */
@Injectable()
export class ActionLog {
  private readonly logger = new Logger('Actions');
  readonly #isVerbose: boolean;

  constructor({ LOG_LEVEL }: ProcessConfig) {
    this.#isVerbose = LOG_LEVEL === 'debug' || LOG_LEVEL === 'trace';
  }

  /** Whether anything will be told of it; cheap, for who has many in hand. */
  covers(traceparent: string | null | undefined): boolean {
    return this.#isVerbose || typeof traceparent === 'string';
  }

  note(step: ActionStep, action: TracedAction, { startedAt, endedAt }: StepTime, more: object = {}): void {
    const { id, type, traceparent } = action;
    if (!this.covers(traceparent)) return;
    const isSampled = parseTraceparent(traceparent)?.isSampled === true;
    const tookMs = Math.max(0, Math.round((endedAt - startedAt) * 10) / 10);
    const line = { actionId: id, traceId: traceIdOf(id, traceparent), type, tookMs, ...more, msg: step };
    if (isSampled) this.logger.log(line);
    else this.logger.debug(line);
    if (isSampled)
      recordStep(`${step} ${type}`, traceparent!, { startedAt, endedAt }, { 'tidings.action.id': id, ...more });
  }
}
