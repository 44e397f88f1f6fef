import type { Submitter } from '../actions/submitter.ts';
import type { ChangeOptions, PageQuery } from '../resource-client.ts';
import { RESOURCE_ROUTES, type ResourceClients } from '../resources.generated.ts';
import { ResourceEndpoint } from './resource-endpoint.ts';
import type { SubRoute } from './resource-routes.ts';
import type { RestClient } from './rest.ts';

/** A client for each resource that the api describes, with the routes that only some have. */
export function resourceClients(rest: RestClient, submitter: Submitter): ResourceClients {
  const clients: Record<string, object> = {};
  for (const [type, routes] of Object.entries(RESOURCE_ROUTES)) {
    const endpoint = new ResourceEndpoint<object, object, unknown>(type, rest, submitter);
    const below = Object.entries(routes).map(([name, route]) => [name, methodOf(endpoint, name, route)]);
    clients[type] = Object.assign(endpoint, Object.fromEntries(below));
  }
  // Types and routes are generated together.
  return clients as unknown as ResourceClients;
}

/** Takes the id of the resource, what the path names, and the options or the query. */
function methodOf(
  endpoint: ResourceEndpoint<object, object, unknown>,
  verb: string,
  [method, path]: SubRoute,
): (id: string, ...more: unknown[]) => Promise<unknown> {
  const places = [...path.matchAll(/\{(\w+)\}/g)].map(([, place]) => place!);
  return (id, ...more) => {
    const payload = Object.fromEntries(places.map((place, index) => [place, String(more[index])]));
    const below = `/${path}`.replaceAll(/\{(\w+)\}/g, (_, place: string) => encodeURIComponent(payload[place]!));
    const last = more[places.length];
    if (method === 'GET') return endpoint.listBelow(id, below, last as PageQuery | undefined);
    return endpoint.change(id, { verb, method, below, payload }, last as ChangeOptions | undefined);
  };
}
