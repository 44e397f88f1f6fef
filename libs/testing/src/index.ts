export { startApp, type StartedApp } from './app.ts';
export { testDatabase, type Schema, type TestDatabase } from './database.ts';
export { eventually } from './eventually.ts';
export { privatePostgres, privateRedis } from './private-servers.ts';
export { testRedis, type TestRedis } from './redis.ts';
export { JWT_SECRET, token, type TokenOptions } from './token.ts';
