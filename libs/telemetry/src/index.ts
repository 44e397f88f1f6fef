export { HealthChecks, type HealthCheck } from './health.ts';
export { TelemetryModule } from './telemetry.module.ts';
