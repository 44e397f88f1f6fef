import { Module } from '@nestjs/common';
import { AuthConfig } from '#config';
import { Revocations } from './revocations.ts';
import { TokenVerifier } from './token-verifier.ts';

/** Verifies tokens; the app provides its config as {@link AuthConfig} too. */
@Module({
  providers: [
    Revocations,
    {
      provide: TokenVerifier,
      inject: [AuthConfig, Revocations],
      useFactory: (config: AuthConfig, revocations: Revocations) => new TokenVerifier(config, revocations),
    },
  ],
  exports: [Revocations, TokenVerifier],
})
export class AuthModule {}
