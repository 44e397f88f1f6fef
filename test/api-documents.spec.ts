import { Parser } from '@asyncapi/parser';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { OpenAPIObject } from '@nestjs/swagger';
import { beforeAll, describe, expect, it } from 'vitest';
import { startSystem } from '#testing';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

let openApi: OpenAPIObject;
let asyncApi: string;

beforeAll(async () => {
  const { api } = await startSystem({ workers: 0, sockets: 0 });
  openApi = (await (await fetch(`${api.url}/openapi.json`)).json()) as OpenAPIObject;
  asyncApi = await (await fetch(`${api.url}/asyncapi.json`)).text();
});

function operations(): [string, Operation][] {
  return Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => ['get', 'put', 'post', 'patch', 'delete'].includes(method))
      .map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation as Operation])
      .filter(([name]) => name.includes('/v1/')),
  );
}

describe('the OpenAPI document', () => {
  it('is valid', async () => {
    expect(
      await new Validator().validate(structuredClone(openApi) as unknown as Record<string, unknown>),
    ).toMatchObject({ valid: true });
  });

  it('describes what each route answers, and its problems', () => {
    expect(operations().length).toBeGreaterThan(15);
    const undescribed: string[] = [];
    for (const [name, { summary, responses, security }] of operations()) {
      expect({ name, summary, security }).toEqual({
        name,
        summary: expect.any(String) as string,
        security: [{ bearer: [] }],
      });
      for (const [status, response] of Object.entries(responses)) {
        const { content = {} } = response as { content?: Record<string, { schema?: object }> };
        const type = Number(status) < 300 ? 'application/json' : 'application/problem+json';
        if (!content[type]?.schema) undescribed.push(`${name} ${status}`);
      }
      const missing = ['401', '429', '500', '503'].filter((status) => !Object.hasOwn(responses, status));
      undescribed.push(...missing.map((status) => `${name} ${status}`));
    }
    expect(undescribed).toEqual([]);
  });

  it('knows of what type each parameter of a query is', () => {
    const parameters = operations().flatMap(([name, { parameters: all = [] }]) =>
      all.map((parameter) => ({ name, parameter: parameter as { in: string; schema: { type?: string } } })),
    );
    const typeless = parameters.filter(({ parameter }) => parameter.in === 'query' && !parameter.schema.type);
    expect(typeless).toEqual([]);
  });

  it('says of a list that is filtered by another resource that this may be missing', () => {
    const answers = (path: string) => Object.keys(openApi.paths[path]!.get!.responses);
    expect(answers('/v1/messages')).toContain('404');
    expect(answers('/v1/rooms')).not.toContain('404');
  });

  it('says that outcomes are read after any cursor, once', () => {
    const { parameters = [] } = openApi.paths['/v1/outcomes']!.get!;
    const after = parameters.filter((parameter) => 'name' in parameter && parameter.name === 'after');
    expect(after).toEqual([expect.objectContaining({ description: expect.stringMatching(/a 202/) as string })]);
  });

  it('names the headers of submits', () => {
    const { parameters = [], responses } = openApi.paths['/v1/messages/{id}']!.patch!;
    const headers = parameters.filter((parameter) => 'in' in parameter && parameter.in === 'header');
    expect(headers.map((parameter) => (parameter as { name: string }).name).toSorted()).toEqual([
      'Idempotency-Key',
      'If-Match',
      'Prefer',
      'traceparent',
    ]);
    expect(responses['202']).toMatchObject({ headers: { Location: {}, 'Retry-After': {} } });
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '202', '400', '413', '415', '422']));
  });
});

describe('the AsyncAPI document', () => {
  it('is valid by the official parser', async () => {
    const { document, diagnostics } = await new Parser().parse(asyncApi);
    expect(diagnostics.filter(({ severity }) => (severity as number) === 0)).toEqual([]);
    expect(document).toBeDefined();
  });

  it('lists the outcome of each action type, the events of each resource, and the commands with their acks', () => {
    const { components, operations: all } = JSON.parse(asyncApi) as {
      components: { messages: Record<string, unknown>; schemas: Record<string, unknown> };
      operations: Record<string, unknown>;
    };
    const messages = [
      ...['session', 'goaway', 'progress', 'event.mirror', 'event.presence.joined', 'event.announcement'],
      ...['outcome.messages.create', 'outcome.rooms.addMember', 'event.message.deleted', 'event.room.memberRemoved'],
      ...['command.submit.messages.edit', 'command.subscribe', 'ack.subscribe', 'ack.presence', 'ack.delivered'],
    ];
    expect(Object.keys(components.messages)).toEqual(expect.arrayContaining(messages));
    expect(Object.keys(components.schemas)).toEqual(expect.arrayContaining(['Message', 'CreateMessage', 'Room']));
    expect(all['command.submit']).toMatchObject({ action: 'receive', reply: {} });
    expect(all['outcome']).toMatchObject({ action: 'send' });
  });
});
