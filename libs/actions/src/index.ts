export { ActionCatalogue, type ActionType } from './action-catalogue.ts';
export { isUuid, parseActionRequest, type ActionRequest } from './action-request.ts';
export { ActionsModule, CatalogueModule } from './actions.module.ts';
export type { Accepted } from './acceptor.ts';
export { ActionsService, type RequestPlaces, type Submitter } from './actions.service.ts';
export { inspectJson } from './inspect-json.ts';
export { RESOURCES } from './resources.ts';
export { validate, validationFailed } from './validate.ts';
