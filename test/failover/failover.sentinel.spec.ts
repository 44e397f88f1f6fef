import { privateSentinel } from '#testing';
import { describeFailover } from './failover.ts';

describeFailover('Sentinel', () => privateSentinel());
