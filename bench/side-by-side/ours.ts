import { AppProcess } from '../../infra/local/app-process.ts';
import { freePort } from '../../infra/local/ports.ts';
import { migrate } from '../stores.ts';
import type { SystemKind } from './system.ts';

/** As in production, without limits of requests: the stock stacks have none either. */
const PRODUCTION = {
  NODE_ENV: 'production',
  // Its stores are its own, on the loopback address.
  ALLOW_UNPROTECTED_REDIS: 'true',
  ALLOW_UNPROTECTED_POSTGRES: 'true',
  LOG_LEVEL: 'warn',
  METRICS_TOKEN: 'of-no-interest-to-a-benchmark',
  RATE_LIMIT_PER_USER: '0',
  RATE_LIMIT_PER_ADDRESS: '0',
  RATE_LIMIT_BYTES: '0',
  RATE_LIMIT_EVENTS: '0',
};

export function ours(): SystemKind {
  return {
    name: 'tidings',
    isOurs: true,
    environment: PRODUCTION,
    wire: {
      protocol: 'socket.io',
      ready: '42["session"',
      outcome: '42["outcome"',
      beforeId: '"data":{"id":"',
      hears: true,
    },
    migrate: (env) => migrate({ ...PRODUCTION, ...env }),
    start: async (app, instance, env) =>
      new AppProcess({ app, instance, port: await freePort(), env: { ...PRODUCTION, ...env } }).start(),
  };
}
