import type { Api } from '../api/api.ts';
import { inPlainWords, type PlainProblem } from '../problem.ts';
import type { LatencyProbe } from './latency-probe.svelte.ts';
import { rowsOf, type InstanceRow, type LocalProcess, type Stats } from './stats.ts';

const EVERY_MS = 1_000;

/** Looks at the system once a second, while somebody looks at the page. */
export class SystemWatch {
  stats: Stats | undefined = $state.raw();
  problem: PlainProblem | undefined = $state.raw();
  /** Undefined where there is no supervisor: everywhere but in `npm start`. */
  processes: readonly LocalProcess[] | undefined = $state.raw();
  /** What was done to a process, for people. */
  notice = $state('');
  readonly probe: LatencyProbe;
  private readonly api: Api;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isOn = false;

  constructor(api: Api, probe: LatencyProbe) {
    this.api = api;
    this.probe = probe;
  }

  get rows(): InstanceRow[] {
    return rowsOf(this.stats?.instances ?? [], this.processes ?? []);
  }

  start(hasSupervisor: boolean): void {
    if (this.isOn) return;
    this.isOn = true;
    void this.look(hasSupervisor);
  }

  stop(): void {
    this.isOn = false;
    clearTimeout(this.timer);
  }

  close(): void {
    this.stop();
    this.probe.stop();
  }

  async order(name: string, verb: 'kill' | 'restart'): Promise<void> {
    try {
      await this.api.call('POST', `/v1/dev/processes/${name}/${verb}`);
      this.notice = verb === 'kill' ? `${name} was killed (SIGKILL).` : `${name} is restarted in good order.`;
    } catch (error) {
      this.notice = `${name}: ${inPlainWords(error).words}`;
    }
  }

  private async look(hasSupervisor: boolean): Promise<void> {
    try {
      this.stats = await this.api.call<Stats>('GET', '/v1/stats');
      this.problem = undefined;
    } catch (error) {
      this.problem = inPlainWords(error);
    }
    const isThere = hasSupervisor && (await this.lookAtProcesses());
    if (this.isOn) this.timer = setTimeout(() => void this.look(isThere), EVERY_MS);
  }

  /** @returns whether to look again */
  private async lookAtProcesses(): Promise<boolean> {
    try {
      this.processes = (await this.api.call<{ data: LocalProcess[] }>('GET', '/v1/dev/processes')).data;
    } catch (error) {
      return (error as { status?: number }).status !== 404;
    }
    return true;
  }
}
