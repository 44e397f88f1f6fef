import type { SocketConfig } from '#config';

/** Whose pages may call, besides those of the same origin: `ALLOWED_ORIGINS`, one by one. */
export function allowedOrigins({ ALLOWED_ORIGINS }: Pick<SocketConfig, 'ALLOWED_ORIGINS'>): string[] {
  return ALLOWED_ORIGINS.split(',')
    .map((origin) => origin.trim())
    .filter(Boolean);
}

/** The same, as CORS takes it. */
export function originOfCors(origins: string[]): string | string[] {
  return origins.includes('*') ? '*' : origins;
}
