/** A route below one of a resource, its places in braces: `members/{userId}`. */
export type SubRoute = readonly [method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE', path: string];

/** By resource and name: a GET is a list, anything else submits the action `<resource>.<name>`. */
export type ResourceRoutes = Readonly<Record<string, Readonly<Record<string, SubRoute>>>>;
