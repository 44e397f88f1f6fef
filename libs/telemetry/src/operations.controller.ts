import { Controller, Get, Headers, HttpException, HttpStatus, SetMetadata } from '@nestjs/common';
import { register } from 'prom-client';
import { timingSafeEqual } from 'node:crypto';
import { ProcessConfig } from '#config';
import { isDraining } from './draining.ts';
import { healthOf, HealthChecks, type Health } from './health.ts';

const DRAINING: Health = { status: 'unready', checks: { draining: 'failed' } };

/** What orchestrators and monitors ask an app; `public` tells guards that no token of a user is needed. */
@SetMetadata('public', true)
@Controller()
export class OperationsController {
  constructor(
    private readonly health: HealthChecks,
    private readonly config: ProcessConfig,
  ) {}

  /** The process answers. */
  @Get('livez')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** The app can serve; `degraded` when it does so with a loss. Not while it ends: others shall be asked. */
  @Get('readyz')
  async ready(): Promise<Health> {
    const health = isDraining() ? DRAINING : await healthOf(this.health);
    if (health.status === 'unready') throw new HttpException(health, HttpStatus.SERVICE_UNAVAILABLE);
    return health;
  }

  /** Prometheus text format; with the bearer token `METRICS_TOKEN` in production. */
  @Get('metrics')
  async metrics(@Headers('authorization') authorization?: string): Promise<string> {
    if (this.config.isProduction && !this.isAllowed(authorization)) {
      throw new HttpException(
        'Send the metrics token: "Authorization: Bearer <METRICS_TOKEN>"',
        HttpStatus.UNAUTHORIZED,
      );
    }
    return register.metrics();
  }

  private isAllowed(authorization: string | undefined): boolean {
    const expected = Buffer.from(`Bearer ${this.config.METRICS_TOKEN ?? ''}`);
    const given = Buffer.from(authorization ?? '');
    return (
      this.config.METRICS_TOKEN !== undefined && given.length === expected.length && timingSafeEqual(given, expected)
    );
  }
}
