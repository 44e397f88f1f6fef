import { startBenchSystem } from '../../delivery/system.ts';
import { runStorm } from '../../delivery/storm-run.ts';
import type { Measure } from '../measure.ts';
import { ProcessTimes } from '../processes.ts';

const CLIENTS = 5_000;
const QUICK_CLIENTS = 300;

/**
 * One of two gateways dies that have as many clients each; its own come to the other one, after the
 * pauses of socket.io's client, and have missed 20 events each. Ours only.
 */
export const storm: Measure = {
  name: 'storm',
  title: `Reconnect storm of ${CLIENTS}, 20 missed each`,
  metrics: [
    { key: 'incomplete', title: 'clients that did not get all, once and in order', unit: '', better: 'neither' },
    { key: 'p50', title: 'own reconnect to replayed, p50', unit: 'ms', better: 'neither' },
    { key: 'p99', title: 'own reconnect to replayed, p99', unit: 'ms', better: 'neither' },
    { key: 'all', title: 'death of the gateway to all complete', unit: 'ms', better: 'neither' },
    { key: 'gateway', title: 'gateway CPU a client', unit: 'ms', better: 'neither' },
    { key: 'postgres', title: 'Postgres CPU a client', unit: 'ms', better: 'neither' },
  ],
  drawn: ['p50', 'p99', 'all'],
  run: async ({ rounds, isQuick, say }) => {
    const samples = [];
    for (let round = 0; round < rounds; round += 1) {
      // It kills what it uses.
      const system = await startBenchSystem(2);
      try {
        const before = await ProcessTimes.read();
        const each = isQuick ? QUICK_CLIENTS : CLIENTS;
        const { clients, complete, replayMs, tookMs, cpuMs } = await runStorm(system, each, { residents: each });
        const foreign = (await ProcessTimes.read()).foreignSince(before);
        samples.push({
          incomplete: clients - complete,
          p50: replayMs.p50,
          p99: replayMs.p99,
          all: tookMs,
          gateway: cpuMs.gateway / clients,
          postgres: cpuMs.postgres / clients,
          foreign,
        });
        say(`round ${round + 1}: ${complete} of ${clients} complete after ${tookMs} ms, p99 ${replayMs.p99} ms`);
      } finally {
        await system.stop();
      }
    }
    return new Map([['tidings', samples]]);
  },
};
