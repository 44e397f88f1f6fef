import { ValidateBy } from 'class-validator';

/** Who a Postgres URL says that we are. */
export interface PostgresCredentials {
  username: string;
  password: string;
}

const FORM = /^postgres(?:ql)?:\/\/(?:[^/?#]*@)?[^@/?#]*(?:\/[^@?#]*)?(?:\?[^#]*)?$/;

/** @returns undefined when the URL cannot be read */
export function parsePostgresUrl(text: string): PostgresCredentials | undefined {
  // Without a host it is a socket, whose folder is a parameter.
  const url = FORM.test(text) ? URL.parse(text.replace('@/', '@localhost/')) : null;
  if (url === null) return undefined;
  try {
    return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
  } catch {
    return undefined;
  }
}

/** For a variable that has a URL of Postgres. The message does not show it: there is a password in it. */
export function IsPostgresUrl(): PropertyDecorator {
  return ValidateBy({
    name: 'isPostgresUrl',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && parsePostgresUrl(value) !== undefined,
      defaultMessage: () =>
        '$property must be postgres://user:password@host[:port]/database, with user and password percent-encoded',
    },
  });
}
