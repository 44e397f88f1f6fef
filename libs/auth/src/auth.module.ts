import { Module } from '@nestjs/common';
import { AuthConfig } from '#config';
import { TokenVerifier } from './token-verifier.ts';

/** Verifies tokens; the app provides its config as {@link AuthConfig} too. */
@Module({
  providers: [
    { provide: TokenVerifier, inject: [AuthConfig], useFactory: (config: AuthConfig) => new TokenVerifier(config) },
  ],
  exports: [TokenVerifier],
})
export class AuthModule {}
