import { nameOf, type Method, type OpenApi, type Operation, type Parameter, type Schema } from './openapi.ts';
import { SchemaTypes } from './schema-types.ts';

const HEADER = `/*
 * Written by \`npm run generate:client\` from the OpenAPI document of the api: do not edit.
 * \`npm run check\` tells when it is out of date.
 */`;

const IMPORTS = `import type { ChangeOptions, Page, PageQuery, ResourceClient, SubmittedAction } from './resource-client.ts';
import type { ResourceRoutes } from './http/resource-routes.ts';
`;

/** The schema of an answer that an action was accepted. */
const ACCEPTED = 'AcceptedActionView';

/** Query parameters of every list. */
const PAGING = new Set(['after', 'limit']);

/** The members of every client: a resource of such a name could not be reached. */
const RESERVED = new Set(
  'actions close connect disconnect mirror on outcomes pending resource resources room session state subscribe useSocket'.split(
    ' ',
  ),
);

/** A route below one of a resource. */
interface SubRoute {
  name: string;
  method: Method;
  /** Below `/v1/<resource>/{id}/`. */
  path: string;
  operation: Operation;
}

interface ResourcePaths {
  type: string;
  collection: Partial<Record<Method, Operation>>;
  single: Partial<Record<Method, Operation>>;
  below: SubRoute[];
}

/** The SDK's types and routes of all resources that an api describes, as TypeScript. */
export function resourceTypes(document: OpenApi): string {
  const types = new SchemaTypes(document.components.schemas);
  const resources = resourcesOf(document);
  const clients = resources.map((resource) => clientOf(resource, types));
  const members = resources.map(({ type }) => `readonly ${keyOf(type)}: ${pascal(type)}Client;`);
  const routes = resources.map(({ type, below }) => `${keyOf(type)}: ${routesOf(below)},`);
  return [
    `${HEADER}\n${IMPORTS}`,
    ...types.interfaces,
    ...clients,
    `/** A client for each resource. */\nexport interface ResourceClients {\n${members.join('\n')}\n}`,
    `/** The routes that not every resource has. */\nexport const RESOURCE_ROUTES: ResourceRoutes = {\n${routes.join('\n')}\n};`,
  ].join('\n\n');
}

/**
 * The types among what {@link resourceTypes} gave, by their names: of those who import the SDK, none
 * is to be promised a value that is a part of its inside.
 */
export function typesOnly(text: string, from: string): string {
  const names = [...text.matchAll(/^export (?:interface|type) (\w+)/gm)].map(([, name]) => name!);
  return `${HEADER}\nexport type { ${names.join(', ')} } from '${from}';`;
}

/** A resource is whatever has a collection where a POST is answered by an accepted action. */
function resourcesOf({ paths }: OpenApi): ResourcePaths[] {
  const found: ResourcePaths[] = [];
  for (const [path, collection] of Object.entries(paths)) {
    const type = /^\/v1\/([\w-]+)$/.exec(path)?.[1];
    if (type === undefined || !collection.post || !isAccepting(collection.post)) continue;
    if (RESERVED.has(type)) throw new Error(`A resource cannot be named ${type}: the client has a member of that name`);
    const single = `${path}/{id}`;
    const below = Object.entries(paths)
      .filter(([other]) => other.startsWith(`${single}/`))
      .flatMap(([other, operations]) =>
        (Object.entries(operations) as [Method, Operation][]).map(([method, operation]) => ({
          name: operation.operationId.slice(operation.operationId.lastIndexOf('.') + 1),
          method,
          path: other.slice(single.length + 1),
          operation,
        })),
      );
    found.push({ type, collection, single: paths[single] ?? {}, below });
  }
  return found.toSorted((a, b) => (a.type < b.type ? -1 : 1));
}

function clientOf({ type, collection, single, below }: ResourcePaths, types: SchemaTypes): string {
  const view = types.typeOf(single.get ? schemaOf(single.get) : itemOf(collection.get));
  const create = types.typeOf(bodyOf(collection.post!));
  const edit = single.patch ? types.typeOf(bodyOf(single.patch)) : 'never';
  const query = queryOf(type, collection.get, types);
  const methods = [
    'create',
    ...(single.patch ? ['edit'] : []),
    ...(single.delete ? ['delete'] : []),
    ...(collection.get ? ['list'] : []),
    ...(single.get ? ['get'] : []),
  ];
  const whole = `ResourceClient<${[create, edit, view, ...(query.text === '' ? [] : [query.name])].join(', ')}>`;
  const base = methods.length === 5 ? whole : `Pick<${whole}, ${methods.map((name) => `'${name}'`).join(' | ')}>`;
  const members = below.map((route) => methodOf(route, view, types)).join('\n');
  const name = `${pascal(type)}Client`;
  const declaration = members === '' ? `type ${name} = ${base};` : `interface ${name} extends ${base} {\n${members}\n}`;
  const client = `/** \`/v1/${type}\` */\nexport ${declaration}`;
  return [query.text, client].filter(Boolean).join('\n\n');
}

function methodOf({ name, method, path, operation }: SubRoute, view: string, types: SchemaTypes): string {
  const places = placesOf(path).map((place) => `${place}: string, `);
  if (method === 'get') {
    return `${name}(id: string, ${places.join('')}query?: PageQuery): Promise<Page<${types.typeOf(itemOf(operation))}>>;`;
  }
  return `${name}(id: string, ${places.join('')}options?: ChangeOptions): Promise<SubmittedAction<${view}>>;`;
}

/** The query of a list that takes more than the page. */
function queryOf(type: string, list: Operation | undefined, types: SchemaTypes): { name: string; text: string } {
  const filters = (list?.parameters ?? []).filter(({ name, in: place }) => place === 'query' && !PAGING.has(name));
  if (filters.length === 0) return { name: 'PageQuery', text: '' };
  const name = `${pascal(type)}Query`;
  const required = filters.filter((filter) => filter.required).map((filter) => filter.name);
  const members = types.members(Object.fromEntries(filters.map(memberOf)), required);
  return {
    name,
    text: `/** What a list of ${type} can be narrowed to. */\nexport interface ${name} extends PageQuery {\n${members}\n}`,
  };
}

function memberOf({ name, schema }: Parameter): [string, Schema] {
  return [name, schema ?? {}];
}

function routesOf(below: readonly SubRoute[]): string {
  const entries = below.map(({ name, method, path }) => `${name}: ['${method.toUpperCase()}', '${path}'],`);
  return `{${entries.join('\n')}}`;
}

function isAccepting({ responses }: Operation): boolean {
  return nameOf(jsonOf(responses['202']) ?? {}) === ACCEPTED;
}

/** The body of a submit, without the id that a create may bring: that is an option. */
function bodyOf({ operationId, requestBody }: Operation): Schema {
  const schema = jsonOf(requestBody);
  if (!schema) throw new Error(`${operationId} describes no body`);
  const named = schema.allOf?.find((one) => nameOf(one) !== undefined);
  return named ?? schema;
}

function schemaOf({ operationId, responses }: Operation): Schema {
  const schema = jsonOf(responses['200']);
  if (!schema) throw new Error(`${operationId} describes no answer`);
  return schema;
}

/** What a list lists. */
function itemOf(list: Operation | undefined): Schema {
  const items = list && schemaOf(list).properties?.['data']?.items;
  if (!items) throw new Error(`${list?.operationId ?? 'A resource without a list'} does not describe what it lists`);
  return items;
}

function jsonOf(body: { content?: Record<string, { schema: Schema }> } | undefined): Schema | undefined {
  return body?.content?.['application/json']?.schema;
}

function placesOf(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, place]) => place!);
}

function pascal(type: string): string {
  return type.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`;
}
