import { setTimeout as delay } from 'node:timers/promises';
import { interleave, type Measure } from '../measure.ts';
import { costOf } from '../measuring.ts';
import { withSystems } from '../running.ts';

const CLIENTS = 5_000;
const QUICK_CLIENTS = 500;
const SOCKETS = 2;

/** What a process still does after the last client has heard, e.g. collecting garbage, counts too. */
const AFTERWARDS_MS = 300;

/** One announcement to everybody. */
export const fanout: Measure = {
  name: 'fanout',
  title: `One announcement to ${CLIENTS} connections on ${SOCKETS} socket processes`,
  metrics: [
    { key: 'p50', title: 'POST to heard, median client', unit: 'ms', better: 'lower' },
    { key: 'last', title: 'POST to heard, last client', unit: 'ms', better: 'lower' },
    { key: 'socket', title: 'socket CPU a delivery', unit: 'µs', better: 'lower' },
    { key: 'missing', title: 'clients that did not hear', unit: '', better: 'neither' },
  ],
  drawn: ['last', 'socket'],
  run: (options) =>
    withSystems(options, SOCKETS, async (systems) => {
      const users = options.isQuick ? QUICK_CLIENTS : CLIENTS;
      await Promise.all(
        systems.map(async (system) => {
          await system.load.tell('connect', { target: system.target, users, prefix: 'fan-' });
          await system.load.tell('announce', {});
        }),
      );
      return interleave(systems, options, async (system) => {
        const { result, cost } = await costOf(system, async () => {
          const heard = await system.load.tell('announce', {});
          await delay(AFTERWARDS_MS);
          return heard;
        });
        const { p50, last, heard } = result;
        const socket = (cost.cpuMs.socket / users) * 1_000;
        return { p50, last, socket, missing: users - heard, foreign: cost.foreign };
      });
    }),
};
