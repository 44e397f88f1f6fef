/** What a process of a stock stack reads from its environment; the runner is the only one who starts them. */
export interface StackEnvironment {
  stack: string;
  port: number;
  redis: string;
  postgres: string;
  secret: string;
}

/** @throws {Error} naming the variable that is missing */
export function readEnvironment(): StackEnvironment {
  return {
    stack: read('STACK'),
    port: Number(read('PORT')),
    redis: read('REDIS_URL'),
    postgres: read('DATABASE_URL'),
    secret: read('JWT_SECRET'),
  };
}

function read(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set`);
  return value;
}
