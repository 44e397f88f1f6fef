import type { ClientOptions, TidingsClient } from './client.ts';

export type * from './client.ts';
export type * from './resources.ts';
export type { ClientStorage } from './storage/client-storage.ts';
export { fileStorage } from './storage/file-storage.ts';
export { sessionStorageOf } from './storage/session-storage.ts';
export { TidingsError, type ClientProblemCode } from './tidings-error.ts';

/** Makes a client. It does nothing by itself until it is asked to connect or to submit. */
export declare function createClient(options: ClientOptions): TidingsClient;
