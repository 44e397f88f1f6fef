/** The config of the app, whatever its class. */
export const APP_CONFIG = Symbol('app config');
