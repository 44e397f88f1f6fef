import { afterAll, afterEach } from 'vitest';
import { endAll } from './cleanup.ts';
import { showLogs } from './failure-logs.ts';

// A setup file of Vitest, which takes hooks only while it collects the tests: what needs an end
// is mostly made later. The rest of this lib knows no test runner.
afterAll(endAll);

afterEach(({ task }) => {
  if (task.result?.state === 'fail') showLogs();
});
