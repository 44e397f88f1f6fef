import { eventually, type StartedApp, type System } from '#testing';
import { freePort } from '../../infra/local/ports.ts';

/** Of a process, in bytes. */
export interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
}

/** An app whose memory can be looked at, without the garbage in it. */
export class InspectedApp {
  private constructor(
    private readonly app: StartedApp,
    private readonly port: number,
  ) {}

  static async start(system: System, name: 'api' | 'worker' | 'socket'): Promise<InspectedApp> {
    const port = await freePort();
    return new InspectedApp(await system.add(name, { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` }), port);
  }

  get url(): string {
    return this.app.url;
  }

  /** Collects the garbage first. */
  async memory(): Promise<Memory> {
    const [target] = (await (await fetch(`http://127.0.0.1:${this.port}/json/list`)).json()) as [
      { webSocketDebuggerUrl: string },
    ];
    const inspector = new WebSocket(target.webSocketDebuggerUrl);
    const answers = new Map<number, unknown>();
    inspector.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id: number; result: unknown };
      answers.set(id, result);
    });
    const ask = async (id: number, method: string, params: object = {}): Promise<unknown> => {
      inspector.send(JSON.stringify({ id, method, params }));
      return eventually(() => {
        if (!answers.has(id)) throw new Error(`the inspector of ${this.app.name} does not answer`);
        return answers.get(id);
      });
    };
    await eventually(() => {
      if (inspector.readyState !== WebSocket.OPEN) throw new Error('the inspector cannot be reached');
    });
    await ask(1, 'HeapProfiler.collectGarbage');
    const usage = await ask(2, 'Runtime.evaluate', { expression: 'process.memoryUsage()', returnByValue: true });
    inspector.close();
    return (usage as { result: { value: Memory } }).result.value;
  }
}
