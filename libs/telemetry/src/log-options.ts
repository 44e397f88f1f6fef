import type { LoggerOptions } from 'pino';

export interface LogSource {
  app: string;
  instance: string;
  level: string;
}

/** What a token looks like (RFC 7519, in its compact form), wherever it came into a line. */
const TOKEN = /eyJ[\w-]{5,}\.[\w-]*\.?[\w-]*/g;

/** JSON leaves them as they are; terminals and viewers take them for commands or line ends. */
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

/** One JSON object a line, whatever is logged; tokens never are. */
export function logOptions({ app, instance, level }: LogSource): LoggerOptions {
  return {
    level,
    base: { app, instance },
    redact: ['req.headers.authorization', 'req.headers.cookie'],
    hooks: { streamWrite: clean },
  };
}

function clean(line: string): string {
  return line.replace(TOKEN, '[token]').replace(CONTROLS, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
