// Runs a script of the project from a fresh clone: installs the locked dependencies when they
// are missing or old, finds a Node that can run TypeScript, and hands over to it.
//
//   node infra/local/bootstrap.mjs <script.ts> [arguments]
//
// Plain JavaScript for Node 18 and later, since nothing is installed when it starts. It prints
// to standard error only: the output of the script stays clean.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED_NODE = 24;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');

/** The packages of a lockfile by their folder, or null when there is none. */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
}

/** An optional package may be left out, unless it was made for this very platform. */
function mayBeMissing({ optional, os, cpu, libc }) {
  if (!optional) return false;
  return !(os?.includes(process.platform) && cpu?.includes(process.arch) && !libc);
}

/** Whether node_modules holds what package-lock.json says; npm notes there what it installed. */
function isInstalled() {
  const locked = lockedPackages(join(ROOT, 'package-lock.json')) ?? {};
  const installed = lockedPackages(join(MODULES, '.package-lock.json'));
  if (!installed) return false;
  return Object.entries(locked).every(([folder, wanted]) => {
    if (folder === '' || wanted.link) return true;
    const found = installed[folder];
    return found ? found.version === wanted.version : mayBeMissing(wanted);
  });
}

/** Ends like a child did: by its exit code, or by 128 + the number of its signal. */
function codeOf(code, signal) {
  return code ?? 128 + (constants.signals[signal] ?? 0);
}

/** The npm that started us, else the one on PATH. */
function npm(args) {
  const own = process.env.npm_execpath;
  const stdio = ['ignore', 2, 2];
  if (own?.endsWith('.js')) return spawn(process.execPath, [own, ...args], { cwd: ROOT, stdio });
  return spawn('npm', args, { cwd: ROOT, stdio, shell: process.platform === 'win32' });
}

async function install() {
  const startedAt = Date.now();
  console.error('installing the dependencies of package-lock.json (the first time takes about a minute)');
  const child = npm(['ci', '--loglevel=error', '--no-audit', '--no-fund', '--ignore-scripts']);
  const [code, signal] = await new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(`npm could not be started: ${error.message}`);
      resolve([1, null]);
    });
    child.once('exit', (...ended) => resolve(ended));
  });
  if (code !== 0) {
    console.error('the dependencies could not be installed: see the lines of npm above');
    process.exit(codeOf(code, signal));
  }
  console.error(`installed in ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_NODE) return process.execPath;
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const packaged = join(MODULES, `node-${system}-${process.arch}`, 'bin', system === 'win' ? 'node.exe' : 'node');
  return existsSync(packaged) ? packaged : null;
}

/**
 * Calls back once the process that started us is gone, or that one's parent: npm dies of SIGHUP
 * without telling its shell or us, and nobody would be left to stop what we started.
 */
function watchAncestors(whenGone) {
  const parent = process.ppid;
  const grandparent = parentOf(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && (grandparent <= 1 || parentOf(parent) === grandparent)) return;
    clearInterval(timer);
    whenGone();
  }, 300);
  timer.unref();
}

/** The parent of a process where the system shows it as a file (Linux), else 0. */
function parentOf(pid) {
  try {
    // The command's name, in parentheses, may itself hold spaces and parentheses.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').pop().trim().split(' ')[1]);
  } catch {
    return 0;
  }
}

function run(node, [script, ...args]) {
  const path = [dirname(node), join(MODULES, '.bin'), process.env.PATH].join(delimiter);
  const child = spawn(node, [join(ROOT, script), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  watchAncestors(() => child.kill('SIGTERM'));
  child.once('error', (error) => {
    console.error(`${node} could not be started: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => process.exit(codeOf(code, signal)));
}

if (process.argv.length < 3) {
  console.error('usage: node infra/local/bootstrap.mjs <script.ts> [arguments]');
  process.exit(2);
}
if (!isInstalled()) await install();
const node = findNode();
if (!node) {
  console.error(
    `Tidings needs Node ${NEEDED_NODE} or later on ${process.platform} ${process.arch}, and this is ` +
      `${process.version}: install it from https://nodejs.org (macOS: brew install node@${NEEDED_NODE})`,
  );
  process.exit(1);
}
run(node, process.argv.slice(2));
