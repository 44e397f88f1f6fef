import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../infra/local/run-tool.ts';
import type { Step } from './guide.ts';

const run = promisify(execFile);

/** What a fresh copy has not. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'artifacts', '.data', '.git']);

/** A copy of the project in a folder of its own, to be changed and built. */
export class ProjectCopy {
  private constructor(readonly root: string) {}

  /** @param folder where it is put; it ends with the tests */
  static async make(folder: string): Promise<ProjectCopy> {
    const root = await mkdtemp(join(folder, 'copy-'));
    const entries = (await readdir(ROOT)).filter((entry) => !LEFT_OUT.has(entry));
    await Promise.all(entries.map((entry) => cp(join(ROOT, entry), join(root, entry), { recursive: true })));
    await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    return new ProjectCopy(root);
  }

  async write({ file, code }: Step): Promise<void> {
    await mkdir(dirname(join(this.root, file)), { recursive: true });
    await writeFile(join(this.root, file), code, { flag: 'wx' });
  }

  async append({ file, code }: Step): Promise<void> {
    await appendFile(join(this.root, file), code);
  }

  /** @throws {Error} with what the compiler printed */
  async build(): Promise<void> {
    const tsc = join(this.root, 'node_modules/typescript/bin/tsc');
    await run(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: this.root }).catch(
      (error: { stdout: string }) => {
        throw new Error(`the copy does not compile:\n${error.stdout}`);
      },
    );
  }

  /** What `npm run generate:client` writes. */
  async generateClient(): Promise<string> {
    await run(process.execPath, ['infra/client/generate.ts'], { cwd: this.root });
    return readFile(join(this.root, 'libs/client/src/resources.generated.ts'), 'utf8');
  }

  /** The files that differ from the project, or are not there. */
  async changes(): Promise<string[]> {
    const files = await readdir(this.root, { recursive: true, withFileTypes: true });
    const paths = files
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(this.root, join(parentPath, name)))
      .filter((path) => !LEFT_OUT.has(path.split('/')[0]!));
    const changed = await Promise.all(paths.map(async (path) => ((await this.isSame(path)) ? [] : [path])));
    return changed.flat().toSorted();
  }

  private async isSame(path: string): Promise<boolean> {
    const [ours, theirs] = await Promise.all(
      [ROOT, this.root].map((root) => readFile(join(root, path), 'latin1').catch(() => null)),
    );
    return ours === theirs;
  }
}
