import { CLIENT_FAULTS } from './client-faults.ts';
import { CRASH_POINTS } from './crash-points.ts';
import type { Fault } from './fault.ts';
import { MESSAGE_FAULTS } from './message-faults.ts';
import { NETWORK_FAULTS } from './network-faults.ts';
import { POISON_FAULTS } from './poison-faults.ts';
import { POSTGRES_FAULTS } from './postgres-faults.ts';
import { PROCESS_FAULTS } from './process-faults.ts';
import { REDIS_FAULTS } from './redis-faults.ts';

/** Every kind of fault that needs nothing but the processes of the stage. */
export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...REDIS_FAULTS,
  ...POSTGRES_FAULTS,
  ...NETWORK_FAULTS,
  ...MESSAGE_FAULTS,
  ...CLIENT_FAULTS,
  ...POISON_FAULTS,
  ...CRASH_POINTS,
];
