export { checkpoint, onCheckpoint, type Checkpoint } from './checkpoint.ts';
export { HealthChecks, type HealthCheck } from './health.ts';
export { failToStart, runApp, useStructuredLogger } from './run-app.ts';
export { TelemetryModule } from './telemetry.module.ts';
