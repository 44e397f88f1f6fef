import { configDefaults, defineConfig } from 'vitest/config';

/** Specs that start Sentinels or a cluster of their own; each belongs to the run of its kind only. */
const REPLICATED = '**/*.{sentinel,cluster}.spec.ts';

/** What says something about a Redis of many processes: delivery and processing, and whatever else uses Redis. */
const ON_REPLICATED = [
  'test/{audiences,delivery,processing,rooms}/**/*.spec.ts',
  'test/{load,outcomes,rate-limit,redis-away,shutdown,stats}.spec.ts',
];

/** They stand between an app and its one Redis, or count in it. */
const ON_ONE_REDIS = [
  'test/delivery/early-submit.spec.ts',
  'test/delivery/gaps.spec.ts',
  'test/rooms/membership-races.spec.ts',
  'test/audiences/broadcast.spec.ts',
];

/** Set by `npm run test:sentinel` and `npm run test:cluster`. */
const kind = process.env['TEST_REDIS_KIND'] ?? 'standalone';
const files =
  kind === 'standalone'
    ? { include: ['{apps,libs,test,infra,chaos}/**/*.spec.ts'], exclude: [...configDefaults.exclude, REPLICATED] }
    : { include: [...ON_REPLICATED, `**/*.${kind}.spec.ts`], exclude: [...configDefaults.exclude, ...ON_ONE_REDIS] };

export default defineConfig({
  // `#lib` means the sources of a lib; built files are for the processes that tests start.
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'module', 'node', 'development|production'] } },
  test: {
    ...files,
    pool: 'forks',
    // Most tests wait most of the time: for timers, locks that end, processes that start.
    maxWorkers: 3,
    maxConcurrency: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    setupFiles: ['reflect-metadata', './libs/testing/src/test-hooks.ts'],
  },
});
