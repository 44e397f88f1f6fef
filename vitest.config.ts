import { defineConfig } from 'vitest/config';

export default defineConfig({
  // `#lib` means the sources of a lib; built files are for the processes that tests start.
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'module', 'node', 'development|production'] } },
  test: {
    include: ['{apps,libs,test,infra,chaos}/**/*.spec.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    setupFiles: ['reflect-metadata', './libs/testing/src/test-hooks.ts'],
  },
});
