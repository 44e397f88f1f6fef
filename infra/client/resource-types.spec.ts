import { describe, expect, it } from 'vitest';
import type { OpenApi, Operation, Schema } from './openapi.ts';
import { resourceTypes, typesOnly } from './resource-types.ts';

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Schema) => ({ content: { 'application/json': { schema } } });
const accepting = (operationId: string, more: Partial<Operation> = {}): Operation => ({
  operationId,
  responses: { '202': json(ref('AcceptedActionView')) },
  ...more,
});
const answering = (operationId: string, schema: Schema): Operation => ({
  operationId,
  responses: { '200': json(schema) },
});
const listing = (operationId: string, name: string): Operation =>
  answering(operationId, { properties: { data: { type: 'array', items: ref(name) } } });

function documentOf(type = 'parcels'): OpenApi {
  return {
    paths: {
      '/v1/actions/batch': { post: answering('batch', ref('Parcel')) },
      '/v1/revocations': { post: answering('revoke', ref('Parcel')) },
      [`/v1/${type}`]: {
        post: accepting('create', { requestBody: json({ allOf: [ref('CreateParcel'), { properties: { id: {} } }] }) }),
        get: {
          ...listing('list', 'Parcel'),
          parameters: [
            { name: 'after', in: 'query', schema: { type: 'string' } },
            { name: 'size', in: 'query', schema: { enum: ['small', 'large'] } },
          ],
        },
      },
      [`/v1/${type}/{id}`]: { get: answering('get', ref('Parcel')) },
      [`/v1/${type}/{id}/stops/{city}/{street}`]: { put: accepting(`${type}.addStop`) },
      [`/v1/${type}/{id}/stops`]: { get: listing(`${type}.stops`, 'Stop') },
    },
    components: {
      schemas: {
        CreateParcel: { properties: { weight: { type: 'integer', minimum: 1, maximum: 30 } }, required: ['weight'] },
        Parcel: {
          properties: {
            weight: { type: 'number' },
            'is-fragile': { type: 'boolean' },
            tags: { type: 'array', items: { type: 'string', nullable: true } },
            stops: { type: 'array', items: ref('Stop') },
            labels: { type: 'object', additionalProperties: { type: 'string' } },
          },
          required: ['weight'],
        },
        Stop: { properties: { next: { allOf: [ref('Stop')], nullable: true } } },
      },
    },
  };
}

const squeezed = (text: string): string => text.replaceAll(/\s+/g, ' ');

describe('the types of resources', () => {
  const text = squeezed(resourceTypes(documentOf()));

  it.each([
    ['a body, its limits as documentation', 'interface CreateParcel { /** 1 to 30. */ weight: number; }'],
    ['what is optional, listed, null, or none of an identifier', '"is-fragile"?: boolean; tags?: (string | null)[];'],
    ['what refers to itself', 'interface Stop { next?: Stop | null; }'],
    ['maps', 'labels?: Record<string, string>;'],
    ['filters of a list', `interface ParcelsQuery extends PageQuery { size?: "small" | "large"; }`],
    [
      'only what a resource can do',
      `Pick<ResourceClient<CreateParcel, never, Parcel, ParcelsQuery>, 'create' | 'list' | 'get'>`,
    ],
    ['verbs with what their path names', 'addStop(id: string, city: string, street: string, options?: ChangeOptions)'],
    ['lists below it', 'stops(id: string, query?: PageQuery): Promise<Page<Stop>>;'],
    ['the client of each', 'interface ResourceClients { readonly parcels: ParcelsClient; }'],
    ['routes', `parcels: {addStop: ['PUT', 'stops/{city}/{street}'], stops: ['GET', 'stops'],},`],
  ])('have %s', (_, expected) => {
    expect(text).toContain(expected);
  });

  it('are of resources only', () => {
    expect(text).not.toMatch(/revocations|batch/);
  });

  it('are published without the routes', () => {
    const names = squeezed(typesOnly(resourceTypes(documentOf()), './all.ts'));
    expect(names).toContain(
      `export type { Parcel, Stop, CreateParcel, ParcelsQuery, ParcelsClient, ResourceClients } from './all.ts';`,
    );
    expect(names).not.toContain('RESOURCE_ROUTES');
  });

  it('are refused for a name that a client has for something else', () => {
    expect(() => resourceTypes(documentOf('actions'))).toThrow('A resource cannot be named actions');
  });
});
