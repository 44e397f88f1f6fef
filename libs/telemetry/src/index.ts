export { ActionLog, type TracedAction } from './action-log.ts';
export { checkpoint, isArmed, onCheckpoint, type Checkpoint } from './checkpoint.ts';
export { HealthChecks, type HealthCheck } from './health.ts';
export { counter, counterOf, counters, durations, gaugeOf, gaugesOf } from './metrics.ts';
export { failToStart, runApp, useStructuredLogger } from './run-app.ts';
export { TelemetryModule } from './telemetry.module.ts';
export { traceIdOf } from './traceparent.ts';
export { enterTrace } from './tracing.ts';
