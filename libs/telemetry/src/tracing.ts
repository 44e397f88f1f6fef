import { ROOT_CONTEXT, SpanKind, trace, TraceFlags, type Attributes, type Context } from '@opentelemetry/api';
import { encodeTraceparent, parseTraceparent } from './traceparent.ts';

/** Its SDK is loaded, and so paid for, only where somebody collects traces. */
const ENDPOINTS = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] as const;

const tracer = trace.getTracer('tidings');

let isTracing = false;

/**
 * Exports traces from now on, if the environment says where to; every other `OTEL_` variable
 * is OpenTelemetry's own.
 *
 * @returns sends what is left, at the end of the process
 */
export async function startTracing(app: string): Promise<() => Promise<void>> {
  if (!ENDPOINTS.some((name) => process.env[name])) return () => Promise.resolve();
  process.env['OTEL_SERVICE_NAME'] ??= `tidings-${app}`;
  // Metrics are scraped, and logs are read from standard output.
  process.env['OTEL_METRICS_EXPORTER'] ??= 'none';
  process.env['OTEL_LOGS_EXPORTER'] ??= 'none';
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK();
  sdk.start();
  isTracing = true;
  return () => sdk.shutdown();
}

/** The first step of an action here, which all that follows belongs to. */
export interface Entry {
  /** What is kept with the action. */
  traceparent: string | undefined;
  end: () => void;
}

/**
 * Begins with an action: as a part of the client's trace, if it has one.
 *
 * @param traceparent as it was sent
 */
export function enterTrace(name: string, traceparent: unknown): Entry {
  const given = parseTraceparent(traceparent);
  const kept = given && encodeTraceparent(given);
  if (!isTracing) return { traceparent: kept, end: () => undefined };
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, contextOf(kept));
  const { traceId, spanId, traceFlags } = span.spanContext();
  const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
  return { traceparent: encodeTraceparent({ traceId, spanId, isSampled }), end: () => span.end() };
}

/** Records a step that is over: in batches, nobody knows beforehand whose it will be. */
export function recordStep(
  name: string,
  traceparent: string,
  { startedAt, endedAt }: { startedAt: number; endedAt: number },
  attributes: Attributes,
): void {
  if (!isTracing) return;
  tracer
    .startSpan(name, { startTime: startedAt, attributes }, contextOf(traceparent))
    .end(Math.max(startedAt, endedAt));
}

function contextOf(traceparent: string | undefined): Context {
  const parent = parseTraceparent(traceparent);
  if (!parent) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = parent;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
