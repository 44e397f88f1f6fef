import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SignJWT } from 'jose';
import { validate } from '#actions';
import { Public } from '#auth';
import { ApiConfig } from '#config';
import { ProblemError } from '#contracts';
import { SignInRequest } from './sign-in.dto.ts';

const LIFETIME_SECONDS = 12 * 3600;

/** Signs demo users in. Registered in development only, so it does not exist elsewhere. */
@ApiExcludeController()
@Controller('v1/dev')
export class DevelopmentController {
  constructor(private readonly config: ApiConfig) {}

  @Public()
  @Post('sign-in')
  @HttpCode(200)
  async signIn(
    @Body() body: unknown,
  ): Promise<{ token: string; userId: string; expiresAt: string; sockets: string[] }> {
    const { user } = validate(SignInRequest, body);
    const { JWKS_URL, JWT_SECRET } = this.config;
    if (JWKS_URL !== undefined) throw new ProblemError('NOT_FOUND', 'Tokens come from the issuer of JWKS_URL alone');
    const expiresAt = new Date(Date.now() + LIFETIME_SECONDS * 1000);
    const token = await new SignJWT({ scope: 'announce ops' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(user)
      .setIssuer(this.config.JWT_ISSUER)
      .setAudience(this.config.JWT_AUDIENCE)
      .setIssuedAt()
      .setExpirationTime(expiresAt)
      .sign(new TextEncoder().encode(JWT_SECRET));
    return {
      token,
      userId: user,
      expiresAt: expiresAt.toISOString(),
      sockets: this.config.SOCKET_URLS.split(',').filter(Boolean),
    };
  }
}
