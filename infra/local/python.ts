import { delimiter, join } from 'node:path';
import { runCommand } from './run-command.ts';

/** What the client of the tests imports. */
const IMPORTS = 'import socketio, websocket';

/** The path of a Python that has python3-socketio: `PYTHON_PATH`, or one of this machine. */
export async function findPython(): Promise<string | undefined> {
  const { PYTHON_PATH, PATH = '' } = process.env;
  const onPath = PATH.split(delimiter).map((folder) => join(folder, 'python3'));
  // Debian's, which its packages are for, though another one may come first on PATH.
  for (const file of [...(PYTHON_PATH ? [PYTHON_PATH] : []), '/usr/bin/python3', ...onPath]) {
    const usable = await runCommand(file, ['-c', IMPORTS]).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return undefined;
}
