import { ValidateBy, type ValidationArguments } from 'class-validator';
import { parsePostgresUrl } from './postgres-url.ts';
import { parseRedisUrl } from './redis-url.ts';

interface Refusal {
  /** What is not accepted. */
  refuse: (value: string) => boolean;
  /** The setting that accepts it all the same. */
  unless?: string;
  /** What is wrong, and what to do. */
  message: string;
}

/** Refuses a value in production: the process does not start, unless a setting says that it is meant. */
export function InProduction({ refuse, unless, message }: Refusal): PropertyDecorator {
  return ValidateBy({
    name: `inProduction ${message}`,
    validator: {
      validate: (value: unknown, given?: ValidationArguments) => {
        const config = given!.object as Record<string, unknown>;
        if (config['NODE_ENV'] !== 'production' || typeof value !== 'string') return true;
        return (unless !== undefined && config[unless] === true) || !refuse(value);
      },
      defaultMessage: () =>
        `$property ${message}${unless === undefined ? '' : ` (or set ${unless}=true if that is meant)`}`,
    },
  });
}

/** For variables that must not be set in production. */
export function NotInProduction(): PropertyDecorator {
  return InProduction({ refuse: (value) => value !== '', message: 'must not be set in production' });
}

/** Passwords that everybody tries first. */
const KNOWN_PASSWORDS = new Set([
  ...['', 'admin', 'changeme', 'change-me', 'default', 'example', 'foobared', 'guest', 'pass', 'passw0rd', 'password'],
  ...['postgres', 'qwerty', 'redis', 'root', 'secret', 'test', 'tidings', '123456', '12345678'],
]);

/** Whether a Postgres URL comes without a password, or with one that is no secret. */
export function hasNoPassword(text: string): boolean {
  const credentials = parsePostgresUrl(text);
  // That it cannot be read is said elsewhere.
  return credentials !== undefined && isNoSecret(credentials.password, credentials.username);
}

/** The same of a `REDIS_URL`, which may name several hosts. */
export function hasNoRedisPassword(text: string): boolean {
  try {
    const { username, password } = parseRedisUrl(text);
    return isNoSecret(password, username);
  } catch {
    // That it cannot be read is said elsewhere.
    return false;
  }
}

function isNoSecret(password = '', user = ''): boolean {
  return KNOWN_PASSWORDS.has(password.toLowerCase()) || password.toLowerCase() === user.toLowerCase();
}

/** Secrets that are printed somewhere: here in the tests, elsewhere as examples. */
const KNOWN_SECRETS = new Set([
  'a-secret-that-only-tests-use-0123456789',
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
]);

const EXAMPLE = /change-?_?me|replace-?_?(me|this)|your-?_?(\d+-bit-)?(jwt-)?secret|^(password|secret)+$/i;

/** With fewer different characters it was typed, not drawn. */
const LEAST_CHARACTERS = 10;

/** Whether a secret is known, or easily found. */
export function isKnownSecret(secret: string): boolean {
  return KNOWN_SECRETS.has(secret) || EXAMPLE.test(secret) || new Set(secret).size < LEAST_CHARACTERS;
}
