export type { InstanceLoad, InstanceStatus } from './instance-status.ts';
export { InstanceRegistry } from './instance-registry.ts';
export { InstancesModule } from './instances.module.ts';
