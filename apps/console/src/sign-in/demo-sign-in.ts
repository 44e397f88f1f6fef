import { TidingsError } from '#client';
import type { Problem } from '#contracts';
import type { Access } from './access.ts';

interface SignedIn {
  token: string;
  userId: string;
  sockets: string[];
}

/**
 * Signs in as anybody, which the api offers in development only.
 *
 * @returns null where it does not
 * @throws {TidingsError} when the name is refused
 * @throws {TypeError} when the api cannot be reached
 */
export async function signInAsDemoUser(user: string): Promise<Access | null> {
  const signedIn = await signIn(user);
  if (!signedIn) return null;
  let unused: string | undefined = signedIn.token;
  return {
    userId: signedIn.userId,
    sockets: signedIn.sockets.length > 0 ? signedIn.sockets : [location.origin],
    hasDrills: true,
    // Asked again, the last token is no longer good: another sign-in gives the next.
    token: async () => {
      const token = unused ?? (await signIn(user))?.token;
      unused = undefined;
      if (token === undefined) throw new Error('there are no demo users any more');
      return token;
    },
  };
}

async function signIn(user: string): Promise<SignedIn | null> {
  const response = await fetch('/v1/dev/sign-in', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user }),
  });
  if (response.status === 404) return null;
  if (!response.ok) {
    const { code, detail, status, errors } = (await response.json()) as Problem;
    throw new TidingsError(code, detail, { status, errors });
  }
  return (await response.json()) as SignedIn;
}
