import { Injectable } from '@nestjs/common';
import { ProblemError } from '#contracts';
import { newId } from '#ledger';
import { Acceptor, type Accepted } from './acceptor.ts';
import { ActionCatalogue, type ActionType } from './action-catalogue.ts';
import { fingerprintOf, parseIdempotencyKey, parseIfMatch, parseUuid, type ActionRequest } from './action-request.ts';
import { inspectJson } from './inspect-json.ts';
import { validate, validationFailed } from './validate.ts';

/** Where in the input the parts of a request stand, for the pointers of problems. */
export interface RequestPlaces {
  resourceId: string;
  payload: string;
  ifMatch: string;
  idempotencyKey: string;
}

const IN_COMMAND: RequestPlaces = {
  resourceId: '/resourceId',
  payload: '/payload',
  ifMatch: '/ifMatch',
  idempotencyKey: '/idempotencyKey',
};

/** Who submits an action: the identity of a token has it. */
export interface Submitter {
  userId: string;
  scopes: ReadonlySet<string>;
}

export interface ActionsOptions {
  /** Seconds until an unfinished action ends as `expired`. */
  ttlSeconds: number;
}

/** The one way in: validates a request, has it recorded, and asks for its ticket. */
@Injectable()
export class ActionsService {
  constructor(
    private readonly catalogue: ActionCatalogue,
    private readonly acceptor: Acceptor,
    private readonly options: ActionsOptions,
  ) {}

  /**
   * Accepts an action of the submitter. When it resolves, the action is committed.
   *
   * @throws {ProblemError} when the request is not valid or not allowed, or the ledger is away
   */
  submit({ userId, scopes }: Submitter, request: ActionRequest, places: RequestPlaces = IN_COMMAND): Promise<Accepted> {
    const type = this.catalogue.get(request.type);
    requireScope(type, scopes);
    const ifMatch = parseIfMatch(request.ifMatch, places.ifMatch);
    const key = parseIdempotencyKey(request.idempotencyKey, places.idempotencyKey);
    const payload = payloadOf(type, request.payload, places.payload);
    return this.acceptor.accept({
      id: newId(),
      owner: userId,
      type: type.name,
      resourceId: resourceIdOf(type, request.resourceId, places.resourceId),
      parentId: payload && type.handler.parentOf?.(payload),
      payload,
      ifMatch: type.verb === 'create' ? undefined : ifMatch,
      traceparent: request.traceparent,
      ttlSeconds: this.options.ttlSeconds,
      ...(key !== undefined && { idempotency: { key, fingerprint: fingerprintOf(request) } }),
    });
  }
}

function requireScope({ name, handler: { scope } }: ActionType, scopes: ReadonlySet<string>): void {
  if (scope === undefined || scopes.has(scope)) return;
  throw new ProblemError('FORBIDDEN', `${name} needs a token with the scope "${scope}"`, { scope });
}

function resourceIdOf({ verb }: ActionType, given: unknown, pointer: string): string {
  // In the order of time: lists show what came in one moment in the order in which it came.
  if (given === undefined && verb === 'create') return newId();
  return parseUuid(given, pointer);
}

function payloadOf({ handler, name }: ActionType, payload: unknown, pointer: string): object | undefined {
  if (handler.payload) return validate(handler.payload, payload, pointer);
  inspectJson(payload, pointer);
  const isEmpty = payload === undefined || payload === null || JSON.stringify(payload) === '{}';
  if (!isEmpty) throw validationFailed([{ pointer, code: 'NO_BODY', detail: `must be empty: ${name} takes none` }]);
  return undefined;
}
