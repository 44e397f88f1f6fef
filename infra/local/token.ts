/** Prints a development token: `npm run -s token -- <user> [scope,scope]`. */
import { SignJWT } from 'jose';
import { developmentSecret } from './secret.ts';

const [user, scopes = ''] = process.argv.slice(2);
if (!user) {
  console.error('usage: npm run -s token -- <user> [scope,scope]');
  process.exit(2);
}
const token = await new SignJWT({ scope: scopes.split(',').filter(Boolean).join(' ') })
  .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
  .setSubject(user)
  .setIssuer(process.env['JWT_ISSUER'] || 'tidings')
  .setAudience(process.env['JWT_AUDIENCE'] || 'tidings')
  .setIssuedAt()
  .setExpirationTime('12h')
  .sign(new TextEncoder().encode(await developmentSecret()));
console.log(token);
