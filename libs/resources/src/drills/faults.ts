import { PermanentError } from '../resource.ts';
import type { DrillFault } from './drill.dto.ts';

/** Levels that no encoder of the system survives when it recurses. */
const DEEP = 20_000;

const MISBEHAVIOUR: Record<DrillFault, () => Promise<object>> = {
  throw: () => Promise.reject(new Error('a drill: try again')),
  reject: () => Promise.reject(new PermanentError('a drill: never try again')),
  hang: () => new Promise(() => undefined),
  block: () => {
    while (performance.now() < Infinity) Math.random();
    return Promise.resolve({});
  },
  exit: () => {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
  deep: () => Promise.resolve(nested(DEEP)),
  nul: () => Promise.resolve({ text: 'a\0b\ud800' }),
  huge: () => Promise.resolve({ text: 'x'.repeat(10_000_000) }),
};

/** Does what the fault says; what it resolves to takes the place of the response. */
export function misbehave(fault: DrillFault): Promise<object> {
  return MISBEHAVIOUR[fault]();
}

function nested(depth: number): object {
  let value: object = {};
  for (let level = 0; level < depth; level += 1) value = { value };
  return value;
}
