import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../infra/local/run-tool.ts';

it.each(['api', 'worker', 'socket'])('the %s says what is wrong with its environment, that alone, and ends', (app) => {
  const main = join(ROOT, `dist/apps/${app}/src/main.js`);
  const env = { NODE_ENV: 'test', PORT: '70000' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [main], { env, encoding: 'utf8' });
  const [head, ...lines] = stderr.trimEnd().split('\n');
  expect([status, stdout, head]).toEqual([
    1,
    '',
    'cannot start: The environment is not valid (.env.example explains every variable):',
  ]);
  expect(lines.map((line) => /^ {2}(\w+) must /.exec(line)?.[1] ?? line)).toEqual(
    expect.arrayContaining(['DATABASE_URL', 'PORT', 'REDIS_URL']),
  );
  expect(lines.filter((line) => !/^ {2}\w+ must /.test(line))).toEqual([]);
});
