import { describe, expect, it } from 'vitest';
import { parseStartOptions } from './start-options.ts';

describe('the arguments of npm start', () => {
  it('give one worker and two sockets by default', () => {
    expect(parseStartOptions([])).toEqual({ apiPort: 3000, socketPorts: [3101, 3102], workerPorts: [3201] });
  });

  it('number the ports of more instances onwards', () => {
    const { socketPorts, workerPorts } = parseStartOptions(['--sockets=4', '--workers=2']);
    expect(socketPorts).toEqual([3101, 3102, 3103, 3104]);
    expect(workerPorts).toEqual([3201, 3202]);
  });

  it('refuse a port for the api that another process listens on', () => {
    expect(() => parseStartOptions(['--port=3102'])).toThrow('--port=3102 is the port of a socket or a worker');
    expect(parseStartOptions(['--port=3103'])).toMatchObject({ apiPort: 3103 });
  });

  it.each(['0', '-1', 'two', '1.5', '100', ''])('refuse "%s" sockets', (text) => {
    expect(() => parseStartOptions([`--sockets=${text}`])).toThrow('--sockets must be a whole number from 1 to 99');
  });
});
