import { randomBytes } from 'node:crypto';
import { given } from './environment.ts';

export interface TestRedis {
  url: string;
  /** Keys and channels that begin with it are this test's own. */
  prefix: string;
}

/** The Redis that all tests share. A test that kills, stops or empties one takes `privateRedis`. */
export function testRedis(): TestRedis {
  return { url: given('TEST_REDIS_URL'), prefix: `test-${randomBytes(6).toString('hex')}` };
}
