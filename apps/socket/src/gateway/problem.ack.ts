import { Catch, Logger, type ArgumentsHost, type WsExceptionFilter } from '@nestjs/common';
import { ProblemError, type Ack } from '#contracts';
import { isTransient } from '#database';

/** Answers the ack of an event with a problem. */
export function ackProblem(args: readonly unknown[], error: ProblemError): void {
  const ack = args.find((argument) => typeof argument === 'function') as ((answer: Ack) => void) | undefined;
  ack?.({ ok: false, problem: error.toProblem() });
}

/** Acks every error of a handler: Nest itself would stay silent. The input is not echoed. */
@Catch()
export class ProblemAckFilter implements WsExceptionFilter {
  private readonly logger = new Logger(ProblemAckFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    ackProblem(host.getArgs<unknown[]>(), this.problemOf(error));
  }

  private problemOf(error: unknown): ProblemError {
    if (error instanceof ProblemError) return error;
    if (isTransient(error)) return new ProblemError('UNAVAILABLE', 'The ledger cannot be reached; try again');
    this.logger.error(error);
    return new ProblemError('INTERNAL');
  }
}
