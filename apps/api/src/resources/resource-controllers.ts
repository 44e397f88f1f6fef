import type { Type } from '@nestjs/common';
import type { Resource } from '#resources';
import { resourceController } from './resource.controller.ts';
import { subListController } from './sub-list.controller.ts';
import { verbController } from './verb.controller.ts';

/** All routes of a resource. */
export function resourceControllers(token: Type<Resource>, resource: Resource): Type[] {
  const verbs = Object.entries(resource.verbs).map(([name, verb]) => verbController(token, resource, name, verb));
  const lists = resource.lists.map((_list, index) => subListController(token, resource, index));
  return [resourceController(token, resource), ...verbs, ...lists];
}
