import type { DynamicModule } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';

/** Tokens as the load generator signs them, the same for all systems. */
export function jwtModule(secret: string): DynamicModule {
  return JwtModule.register({
    global: true,
    secret,
    verifyOptions: { algorithms: ['HS256'], issuer: 'tidings', audience: 'tidings' },
  });
}
