import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common';
import type { AuthConfig } from '#config';
import { TokenVerifier } from './token-verifier.ts';

@Module({})
export class AuthModule {
  /** @param config the token of the app's config */
  static forApp(config: InjectionToken<AuthConfig>): DynamicModule {
    return {
      module: AuthModule,
      providers: [
        { provide: TokenVerifier, inject: [config], useFactory: (values: AuthConfig) => new TokenVerifier(values) },
      ],
      exports: [TokenVerifier],
    };
  }
}
