export { HealthChecks, type HealthCheck } from './health.ts';
export { failToStart, runApp } from './run-app.ts';
export { TelemetryModule } from './telemetry.module.ts';
