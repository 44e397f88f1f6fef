import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutcomeEnvelope } from '#contracts';
import { eventually, startSystem, type Listener, type StartedApp, type System, type TestUser } from '#testing';
import { metricOf } from './delivery/metrics.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

interface Span {
  traceId: string;
  parentSpanId?: string;
  name: string;
}

/** Takes what apps export by OTLP, as JSON. */
class Collector {
  readonly spans: (Span & { service: string })[] = [];
  readonly #server = createServer((request, response) => {
    void text(request).then((body) => {
      this.take(JSON.parse(body) as Export);
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  private take({ resourceSpans }: Export): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')!.value.stringValue;
      this.spans.push(...scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, service }))));
    }
  }
}

interface Export {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeSpans: { spans: Span[] }[];
  }[];
}

interface LogLine {
  level: number;
  msg: string;
  app: string;
  actionId?: string;
  traceId?: string;
  requestId?: string;
}

function linesOf(app: StartedApp, actionId: string): LogLine[] {
  const lines = app
    .logs()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as LogLine).filter((line) => line.actionId === actionId);
}

const collector = new Collector();
let system: System;
let alice: TestUser;
let listener: Listener;

beforeAll(async () => {
  const endpoint = await collector.start();
  system = await startSystem({
    sockets: 1,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  alice = await system.user('alice');
  listener = await alice.connect(system.sockets[0]!);
});

afterAll(() => collector.stop());

async function createTraced(headers: Record<string, string>): Promise<{ id: string; outcome: OutcomeEnvelope }> {
  const action = await alice.submit('POST', '/v1/messages', { body: { text: 'hello' }, headers });
  const outcome = await listener.outcomeOf(action);
  expect(await listener.socket.emitWithAck('delivered', { cursor: outcome.cursor })).toEqual({ ok: true });
  return { id: action.id, outcome };
}

describe('an action with a sampled traceparent', () => {
  it('has its trace id in the logs of api, worker and socket, from the request to the acknowledgement', async () => {
    const { id, outcome } = await createTraced({ traceparent: TRACEPARENT });
    const [api, worker, socket] = [system.api, system.workers[0]!, system.sockets[0]!];
    await eventually(() => {
      const steps = [api, worker, socket].map((app) => linesOf(app, id).map(({ msg }) => msg));
      expect(steps).toEqual([['accepted'], ['applied', 'published'], ['delivered', 'acknowledged']]);
    });
    for (const line of [api, worker, socket].flatMap((app) => linesOf(app, id))) {
      expect(line).toMatchObject({ traceId: TRACE_ID, actionId: id, level: 30 });
    }
    expect(linesOf(api, id)[0]).toMatchObject({ requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
    expect(outcome.traceparent).toContain(TRACE_ID);
  });

  it('is one trace for who collects them, in the services of api, worker and socket', async () => {
    const { id } = await createTraced({ traceparent: TRACEPARENT.replace('4bf9', '5bf9') });
    expect(id).toBeDefined();
    await eventually(
      () => {
        const own = collector.spans.filter(({ traceId }) => traceId === TRACE_ID.replace('4bf9', '5bf9'));
        expect(own.map(({ service, name }) => `${service}: ${name}`).toSorted()).toEqual([
          'tidings-api: POST /v1/messages',
          'tidings-api: accepted messages.create',
          'tidings-socket: acknowledged messages.create',
          'tidings-socket: delivered messages.create',
          'tidings-worker: applied messages.create',
          'tidings-worker: published messages.create',
        ]);
        expect(own.every(({ parentSpanId }) => parentSpanId)).toBe(true);
      },
      { timeoutMs: 10_000 },
    );
  });

  it('tells its owner only, live and replayed alike', async () => {
    const { outcome } = await createTraced({ traceparent: TRACEPARENT.replace('4bf9', '6bf9') });
    const later = await alice.connect(system.sockets[0]!, { cursor: '0' });
    await eventually(() => {
      expect(later.outcomes.find(({ id }) => id === outcome.id)).toEqual({ ...outcome, replayed: true });
    });
    expect(outcome.traceparent).toMatch(/^00-6bf92f3577b34da6a3ce929d0e0e4736-[0-9a-f]{16}-01$/);
  });
});

describe('an action that nobody wants to see traced', () => {
  it('leaves no line at level info', async () => {
    const { id } = await createTraced({ traceparent: TRACEPARENT.replace(/01$/, '00') });
    const after = await createTraced({ traceparent: TRACEPARENT });
    for (const app of [system.api, system.workers[0]!, system.sockets[0]!]) {
      await eventually(() => expect(linesOf(app, after.id)).not.toEqual([]));
      expect(linesOf(app, id)).toEqual([]);
    }
  });
});

describe('metrics', () => {
  it('count every stage of an action', async () => {
    const { api, workers, sockets } = system;
    const STAGES: [StartedApp, string][] = [
      [api, 'tidings_accept_seconds_count'],
      [api, 'tidings_actions_accepted_total'],
      [workers[0]!, 'tidings_queue_wait_seconds_count'],
      [workers[0]!, 'tidings_apply_seconds_count'],
      [workers[0]!, 'tidings_publish_seconds_count'],
      [workers[0]!, 'tidings_actions_finished_total'],
      [sockets[0]!, 'tidings_deliver_seconds_count'],
      [sockets[0]!, 'tidings_end_to_end_seconds_count'],
      [sockets[0]!, 'tidings_slo_outcomes_total'],
    ];
    const read = (): Promise<number[]> => Promise.all(STAGES.map(([app, name]) => metricOf(app, name)));
    const before = await read();
    await createTraced({});
    expect((await read()).map((value, index) => value - before[index]!)).toEqual(STAGES.map(() => 1));
    expect(await metricOf(sockets[0]!, 'tidings_slo_outcomes_in_time_total')).toBeGreaterThan(0);
  });

  it('tell of the backlog and of the tickets, and of what did not happen yet', async () => {
    const [worker, socket] = [system.workers[0]!, system.sockets[0]!];
    const metrics = await (await fetch(`${worker.url}/metrics`)).text();
    for (const line of [
      'tidings_ledger_backlog_actions{app="worker"} 0',
      'tidings_ledger_backlog_oldest_seconds{app="worker"} 0',
      'tidings_tickets{state="delayed",app="worker"} 0',
      'tidings_attempts_failed_total{app="worker"} 0',
      'tidings_actions_finished_total{status="expired",app="worker"} 0',
    ]) {
      expect(metrics).toContain(line);
    }
    await eventually(async () => expect(await metricOf(worker, 'tidings_sweeps_total')).toBeGreaterThan(0));
    expect(await metricOf(socket, 'tidings_connections_opened_total')).toBeGreaterThan(1);
    expect(await metricOf(socket, 'tidings_replays_total')).toBe(1);
    expect(await metricOf(socket, 'tidings_events_replayed_total')).toBe(3);
  });
});

it('every app answers an unknown path with a problem document', async () => {
  for (const { url } of [system.api, system.workers[0]!, system.sockets[0]!]) {
    const answer = await fetch(`${url}/nothing`);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await answer.json()).toMatchObject({ status: 404, code: 'NOT_FOUND', instance: '/nothing' });
  }
});
