/**
 * `npm test [-- vitest's arguments]`: every test, on a Redis and a Postgres of its own.
 * `--redis=sentinel` or `--redis=cluster` first: those that tell something about such a Redis,
 * on one (see vitest.config.ts). Its last line counts: `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from './build.ts';
import { findChromium } from './chromium.ts';
import { DATA } from './data-folder.ts';
import { findDebianProgram } from './debian-program.ts';
import { startPostgres } from './postgres.ts';
import { findPython } from './python.ts';
import { startRedisCluster } from './redis-cluster.ts';
import { findRedis } from './redis-program.ts';
import { startRedisSentinel } from './redis-sentinel.ts';
import { startRedis } from './redis.ts';
import { runCommand } from './run-command.ts';
import { ROOT } from './run-tool.ts';

const say = (line: string): void => console.log(line);

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  /** Files that could not even be loaded count here only. */
  numFailedTestSuites: number;
}

const KINDS = { standalone: startRedis, sentinel: startRedisSentinel, cluster: startRedisCluster };
type Kind = keyof typeof KINDS;

/** None of the shared masters is to be replaced because the machine is busy. */
const FAILOVER_AFTER_MS = 15_000;

async function runTests(kind: Kind, args: readonly string[], folder: string): Promise<number> {
  say('building, and starting Redis and Postgres for the tests');
  const program = await findRedis(say);
  await build();
  const [redis, postgres] = await Promise.all([
    KINDS[kind]({ folder: join(folder, 'redis'), program, failoverAfterMs: FAILOVER_AFTER_MS }),
    startPostgres({ folder: join(folder, 'postgres'), durable: false, say }),
  ]);
  try {
    const chromium = await findChromium();
    if (!chromium) say('no chromium was found (CHROMIUM_PATH names one): the browser tests are left out');
    const python = await findPython();
    // In CI it is a failure: there it is installed.
    const withoutPython = !python && !process.env['CI'];
    if (withoutPython) {
      say('no Python with socketio was found (apt-get install python3-socketio python3-websocket, or PYTHON_PATH):');
      say('the test with a Python client is left out');
    }
    const nginx = await findDebianProgram('nginx', 'nginx', say);
    if (!nginx) say('no nginx was found: the tests behind it are left out');
    const promtool = await findDebianProgram('promtool', 'prometheus', say);
    if (!promtool) say('no promtool (of Prometheus) was found: the tests of the alerts are left out');
    const kubectl = await runCommand('kubectl', ['kustomize', '--help']).then(
      () => true,
      () => false,
    );
    if (!kubectl) say('no kubectl was found: overlays are not built (their parts are looked at all the same)');
    const report = join(folder, 'report.json');
    const code = await vitest(
      [
        ...(chromium ? [] : ['--exclude', '**/*.browser.spec.ts']),
        ...(withoutPython ? ['--exclude', '**/*.python.spec.ts'] : []),
        ...(nginx ? [] : ['--exclude', '**/*.nginx.spec.ts']),
        ...(promtool ? [] : ['--exclude', '**/*.promtool.spec.ts']),
        ...(kubectl ? [] : ['--exclude', '**/*.kubectl.spec.ts']),
        ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
        ...args,
      ],
      {
        TEST_REDIS_KIND: kind,
        TEST_REDIS_URL: redis.url,
        TEST_REDIS_PROGRAM: JSON.stringify(program),
        TEST_DATABASE_URL: postgres.url,
        TEST_FOLDER: folder,
        ...(chromium ? { CHROMIUM_PATH: chromium } : {}),
        ...(python ? { PYTHON_PATH: python } : {}),
        ...(nginx ? { TEST_NGINX_PROGRAM: JSON.stringify(nginx) } : {}),
        ...(promtool ? { TEST_PROMTOOL_PROGRAM: JSON.stringify(promtool) } : {}),
      },
    );
    say(await summary(report));
    return code;
  } finally {
    await Promise.all([redis.stop(), postgres.stop()]);
    if (postgres.folder !== join(folder, 'postgres')) await rm(postgres.folder, { recursive: true, force: true });
  }
}

function vitest(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
    });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function summary(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return '0 passed, 1 failed (the tests ended without a report)';
  const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(text) as Report;
  return `${numPassedTests} passed, ${numFailedTests || numFailedTestSuites} failed`;
}

await mkdir(DATA, { recursive: true });
const folder = await mkdtemp(join(DATA, 'test-'));
// So that the user as whom Postgres runs finds the way.
await chmod(folder, 0o755);
try {
  const [first = '', ...rest] = process.argv.slice(2);
  const kind = /^--redis=(.+)$/.exec(first)?.[1];
  if (kind !== undefined && !Object.hasOwn(KINDS, kind)) throw new Error(`--redis is ${Object.keys(KINDS).join(', ')}`);
  process.exitCode = await runTests(
    (kind as Kind | undefined) ?? 'standalone',
    kind ? rest : process.argv.slice(2),
    folder,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
