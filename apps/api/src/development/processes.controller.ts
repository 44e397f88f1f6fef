import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { RequireScope } from '#auth';
import { ApiConfig } from '#config';
import { ProblemError } from '#contracts';

const ANSWER_MS = 5_000;

/** A process of `npm start`. */
interface LocalProcess {
  name: string;
  running: boolean;
  restarts: number;
}

/**
 * Kills and restarts what `npm start` runs, so that one can see the promise hold. Registered in
 * development only; without a supervisor there is nothing here.
 */
@ApiExcludeController()
@RequireScope('ops')
@Controller('v1/dev/processes')
export class ProcessesController {
  constructor(private readonly config: ApiConfig) {}

  @Get()
  async list(): Promise<{ data: LocalProcess[] }> {
    const { data } = (await (await this.ask('GET', '')).json()) as { data: LocalProcess[] };
    return { data: data.map(({ name, running, restarts }) => ({ name, running, restarts })) };
  }

  /** SIGKILL; the supervisor starts it again. */
  @Post(':name/kill')
  @HttpCode(202)
  kill(@Param('name') name: string): Promise<object> {
    return this.order(name, 'kill');
  }

  /** Ends it in an orderly way, and starts it again. */
  @Post(':name/restart')
  @HttpCode(202)
  restart(@Param('name') name: string): Promise<object> {
    return this.order(name, 'restart');
  }

  private async order(name: string, verb: 'kill' | 'restart'): Promise<object> {
    // The api itself would not live to answer.
    if (!/^(socket|worker)-[\w-]+$/.test(name)) throw new ProblemError('NOT_FOUND', 'There is no such process');
    await this.ask('POST', `/${name}/${verb}`);
    return {};
  }

  private async ask(method: 'GET' | 'POST', path: string): Promise<Response> {
    const { SUPERVISOR_URL } = this.config;
    if (SUPERVISOR_URL === '') throw new ProblemError('NOT_FOUND', 'No supervisor runs these processes');
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(`${SUPERVISOR_URL}/processes${path}`, { method, signal }).catch((cause: unknown) => {
      throw new ProblemError('UNAVAILABLE', 'The supervisor does not answer', { cause });
    });
    if (response.status === 404) throw new ProblemError('NOT_FOUND', 'There is no such process');
    if (response.status === 409) throw new ProblemError('UNAVAILABLE', 'It is being ended or started already');
    return response;
  }
}
