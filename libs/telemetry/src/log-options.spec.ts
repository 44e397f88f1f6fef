import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { logOptions } from './log-options.ts';

/** What is written when this is logged. */
function written(log: (logger: pino.Logger) => void): string {
  let text = '';
  const destination = { write: (line: string) => void (text += line) };
  log(pino(logOptions({ app: 'api', instance: 'api-1', level: 'trace' }), destination));
  return text;
}

const EVIL = [
  'a\n{"level":60,"msg":"forged"}',
  'a\r\nb',
  '\u001b[2J\u001b]0;title\u0007',
  '\u009b31m\u0085\u007f',
  'x\u2028y\u2029z\0',
  `"}\n${'long '.repeat(50)}`,
];

describe('a log line', () => {
  it.each(EVIL)('stays one, without controls, with %j in it', (evil) => {
    for (const log of [
      (logger: pino.Logger): void => logger.info(evil),
      (logger: pino.Logger): void => logger.trace({ [evil]: [evil] }, 'said'),
      (logger: pino.Logger): void => logger.error(Object.assign(new Error(evil), { detail: evil })),
    ]) {
      const text = written(log);
      expect(text.endsWith('\n')).toBe(true);
      // oxlint-disable-next-line no-control-regex
      expect(text.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(JSON.stringify(JSON.parse(text))).toContain(JSON.stringify(evil).slice(1, -1));
    }
  });

  it('holds no token, wherever it came from', () => {
    const token = `${btoa('{"alg":"HS256"}')}.${btoa('{"sub":"alice"}').replaceAll('=', '')}.sIgNaTuRe-123_45`;
    const text = written((logger) => {
      logger.info(`GET /?access_token=${token}`);
      logger.warn({ token, nested: { header: `Bearer ${token}` } });
      logger.error(Object.assign(new Error(token), { payload: [token] }));
    });
    expect(text.trim().split('\n')).toHaveLength(3);
    expect(text).toContain('[token]');
    for (const part of token.split('.')) expect(text).not.toContain(part);
    for (const line of text.trim().split('\n')) JSON.parse(line);
  });
});
