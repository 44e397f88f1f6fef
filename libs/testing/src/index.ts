export { startApp, type StartedApp } from './app.ts';
export { startBalancer, type Balancer } from './balancer.ts';
export { atEndOfFile, endAll } from './cleanup.ts';
export { testDatabase, type Schema, type TestDatabase } from './database.ts';
export { eventually } from './eventually.ts';
export { FaultyProxy, type Meddle } from './faulty-proxy.ts';
export { ledgerDatabase } from './ledger-database.ts';
export { LedgerCheck, type LedgerReport } from './ledger-check.ts';
export { connect, ConnectionRefused, Listener, type ListenerOptions } from './listener.ts';
export { startNginx, type Nginx, type NginxTargets } from './nginx.ts';
export {
  privateCluster,
  privateInstallation,
  privatePostgres,
  privateRedis,
  privateSentinel,
} from './private-servers.ts';
export { problemOf, type Refusal } from './problem-of.ts';
export { RawSocket } from './raw-socket.ts';
export { testRedis, type TestRedis } from './redis.ts';
export { migrate, startSystem, type System, type SystemOptions } from './system.ts';
export { TestUser, type Answer, type Call } from './test-user.ts';
export { JWT_SECRET, token, type TokenOptions } from './token.ts';
