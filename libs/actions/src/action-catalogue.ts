import { Injectable } from '@nestjs/common';
import { ProblemError } from '#contracts';
import type { Migrations } from '#database';
import type { Resource, Verb } from '#resources';

/** An action type and what handles it. */
export interface ActionType {
  /** `<resource>.<verb>` */
  name: string;
  verb: string;
  resource: Resource;
  handler: Verb;
}

/** Every action type there is, each with its one handler. */
@Injectable()
export class ActionCatalogue {
  readonly #types = new Map<string, ActionType>();

  /**
   * @throws {Error} when a handler is missing, or there are two for an action type
   */
  constructor(readonly resources: readonly Resource[]) {
    for (const resource of resources) {
      const { create, edit, delete: remove, verbs } = resource;
      const own = { create, ...(edit && { edit }), ...(remove && { delete: remove }) };
      for (const [verb, handler] of [...Object.entries(own), ...Object.entries(verbs)]) {
        this.add({ name: `${resource.type}.${verb}`, verb, resource, handler });
      }
    }
  }

  private add(type: ActionType): void {
    if (typeof type.handler?.apply !== 'function') {
      throw new Error(`${type.name} has no handler: give ${type.resource.constructor.name} a "${type.verb}"`);
    }
    if (this.#types.has(type.name)) {
      throw new Error(`${type.name} has two handlers: do two resources share the name "${type.resource.type}"?`);
    }
    this.#types.set(type.name, type);
  }

  /** All of them, in the order of their resources. */
  get types(): ActionType[] {
    return [...this.#types.values()];
  }

  /** The type, or nothing when there is none of that name. */
  find(name: string): ActionType | undefined {
    return this.#types.get(name);
  }

  /**
   * @throws {ProblemError} `VALIDATION_FAILED` when there is none of that name
   */
  get(name: unknown): ActionType {
    const type = typeof name === 'string' ? this.#types.get(name) : undefined;
    if (type) return type;
    const detail = `must be one of ${[...this.#types.keys()].join(', ')}`;
    throw new ProblemError('VALIDATION_FAILED', `type ${detail}`, {
      errors: [{ pointer: '/type', code: 'UNKNOWN_TYPE', detail }],
    });
  }

  /** The migrations of all resources. */
  get migrations(): Migrations {
    return Object.assign({}, ...this.resources.map(({ migrations }) => migrations)) as Migrations;
  }
}
