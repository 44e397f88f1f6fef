import { Injectable } from '@nestjs/common';
import { Counter, Gauge, register } from 'prom-client';
import { ChannelsServer } from '#channels';
import { InstanceRegistry } from '#instances';
import { Connections } from './connections/connections.service.ts';

/** What this app tells monitors of its work; read from those who count, when it is asked for. */
@Injectable()
export class SocketMetrics {
  constructor(channels: ChannelsServer, connections: Connections, instances: InstanceRegistry) {
    instances.measure = () => connections.load;
    const { counters } = channels;
    count('channel_messages_received', 'Messages that Redis brought', () => counters.received);
    count('events_delivered', 'Events given to the connections of a channel', () => counters.delivered);
    count('events_filled', 'Events that came from the ledger because Redis did not bring them', () => counters.filled);
    show('connections', 'Open connections', () => connections.load.connections);
    show('channels_open', 'Channels that somebody here listens to', () => channels.size);
  }
}

function count(name: string, help: string, read: () => number): void {
  const counter = new Counter({
    name: `tidings_${name}_total`,
    help,
    registers: [],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
  register.registerMetric(counter);
}

function show(name: string, help: string, read: () => number): void {
  const gauge = new Gauge({
    name: `tidings_${name}`,
    help,
    registers: [],
    collect() {
      this.set(read());
    },
  });
  register.registerMetric(gauge);
}
