import { ValidateBy } from 'class-validator';

/**
 * For a variable that says where to ask by HTTP. The message does not show it: there may be a password in it.
 *
 * @param takesPassword whether who asks takes one from the URL: `fetch` refuses such URLs
 */
export function IsHttpUrl({ takesPassword }: { takesPassword: boolean }): PropertyDecorator {
  const isRight = (text: string): boolean => {
    const url = URL.parse(text);
    return url !== null && /^https?:$/.test(url.protocol) && (takesPassword || url.username + url.password === '');
  };
  return ValidateBy({
    name: 'isHttpUrl',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isRight(value),
      defaultMessage: () =>
        `$property must be a URL such as http://host:8080/path${takesPassword ? '' : ', without a user or a password'}`,
    },
  });
}
