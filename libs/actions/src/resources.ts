import type { Type } from '@nestjs/common';
import * as library from '#resources';

const isTrial = process.env['NODE_ENV'] === 'development' || process.env['NODE_ENV'] === 'test';

function isResource(exported: unknown): exported is Type<library.Resource> & { isForTrials: boolean } {
  return typeof exported === 'function' && exported.prototype instanceof library.Resource;
}

/** The resources of this process: what the library exports; those for trials not in production. */
export const RESOURCES: Type<library.Resource>[] = Object.values<unknown>(library)
  .filter(isResource)
  .filter(({ isForTrials }) => isTrial || !isForTrials);
