import { privateCluster } from '#testing';
import { describeFailover } from './failover.ts';

describeFailover('a cluster', () => privateCluster());
