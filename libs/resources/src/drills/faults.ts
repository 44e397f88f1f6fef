import { PermanentError } from '../resource.ts';
import type { DrillFault } from './drill.dto.ts';

/** Levels that no encoder of the system survives when it recurses. */
const DEEP = 20_000;

/** Does what the fault says; what it returns takes the place of the response. */
export function misbehave(fault: DrillFault): Promise<object> {
  switch (fault) {
    case 'throw':
      return Promise.reject(new Error('a drill: try again'));
    case 'reject':
      return Promise.reject(new PermanentError('a drill: never try again'));
    case 'hang':
      return new Promise(() => undefined);
    case 'block':
      while (performance.now() < Infinity) Math.random();
      return Promise.resolve({});
    case 'exit':
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => undefined);
    case 'deep':
      return Promise.resolve(nested(DEEP));
    case 'nul':
      return Promise.resolve({ text: 'a\0b\ud800' });
    case 'huge':
      return Promise.resolve({ text: 'x'.repeat(10_000_000) });
  }
}

function nested(depth: number): object {
  let value: object = {};
  for (let level = 0; level < depth; level += 1) value = { value };
  return value;
}
