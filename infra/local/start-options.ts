import { parseArgs } from 'node:util';

export interface StartOptions {
  apiPort: number;
  /** Ports of the socket instances, one each. */
  socketPorts: number[];
  /** Ports of the workers' health routes, one each. */
  workerPorts: number[];
}

const MOST = 99;

/**
 * Reads the arguments of `npm start`.
 *
 * @throws {Error} that says what is wrong with them.
 */
export function parseStartOptions(args: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sockets: { type: 'string', default: '2' },
      workers: { type: 'string', default: '1' },
      port: { type: 'string', default: '3000' },
    },
  });
  const options = {
    apiPort: count('port', values.port, 1, 65_535),
    socketPorts: ports(3101, count('sockets', values.sockets, 1, MOST)),
    workerPorts: ports(3201, count('workers', values.workers, 1, MOST)),
  };
  if ([...options.socketPorts, ...options.workerPorts].includes(options.apiPort))
    throw new Error(`--port=${options.apiPort} is the port of a socket or a worker: choose another one`);
  return options;
}

function count(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}

function ports(first: number, amount: number): number[] {
  return Array.from({ length: amount }, (_, index) => first + index);
}
