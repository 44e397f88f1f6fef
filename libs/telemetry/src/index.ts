export { HealthChecks, type HealthCheck } from './health.ts';
export { failToStart, runApp, useStructuredLogger } from './run-app.ts';
export { TelemetryModule } from './telemetry.module.ts';
