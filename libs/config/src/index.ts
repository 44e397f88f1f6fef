export { ApiConfig } from './api.config.ts';
export { ConfigModule } from './config.module.ts';
export { AuthConfig } from './auth.config.ts';
export { DatabaseConfig } from './database.config.ts';
export { ConfigError, loadConfig, variablesOf } from './load-config.ts';
export { ProcessConfig } from './process.config.ts';
export { parseRedisUrl, type RedisAddress, type RedisTarget } from './redis-url.ts';
export { SocketConfig } from './socket.config.ts';
export { WorkerConfig } from './worker.config.ts';
