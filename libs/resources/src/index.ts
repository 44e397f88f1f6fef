import type { Type } from '@nestjs/common';
import { DrillsResource } from './drills/drills.resource.ts';
import type { Resource } from './resource.ts';
import * as resources from './resources.ts';

export {
  PermanentError,
  reject,
  Resource,
  type ActionToApply,
  type Applied,
  type Page,
  type PageRequest,
  type PerformContext,
  type RoutedVerb,
  type SubList,
  type Verb,
} from './resource.ts';

/** Those that are for trying things out. */
const drills: Type<Resource>[] = [DrillsResource];

const isTrial = process.env['NODE_ENV'] === 'development' || process.env['NODE_ENV'] === 'test';

/** The resources of this process. */
export const RESOURCES: Type<Resource>[] = isTrial
  ? [...Object.values(resources), ...drills]
  : Object.values(resources);
