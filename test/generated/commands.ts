import type { Schema, Schemas } from './schema-values.ts';

/** An event that clients send, as the AsyncAPI document tells of it. */
export interface Command {
  event: string;
  /** What it may bring. */
  payloads: Schema[];
}

export interface AsyncApi {
  operations: Record<string, { action: string; messages: { $ref: string }[] }>;
  components: { messages: Record<string, { name: string; payload: Schema }>; schemas: Schemas };
}

/** Every event that the server receives. */
export function commandsOf({ operations, components: { messages } }: AsyncApi): Command[] {
  return Object.values(operations)
    .filter(({ action }) => action === 'receive')
    .map((operation) => {
      const brought = operation.messages.map(({ $ref }) => messages[$ref.split('/').at(-1)!]!);
      return { event: brought[0]!.name, payloads: brought.map(({ payload }) => payload) };
    });
}

/** The types of actions that can be submitted. */
export function actionTypesOf(commands: readonly Command[]): unknown[] {
  return commands
    .flatMap(({ payloads }) => payloads.map(({ properties }) => properties?.['type']?.const))
    .filter(Boolean);
}
