import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { ChannelsServer } from '#channels';
import { Connections } from './connections/connections.service.ts';

/** What this app tells monitors of its work; read from those who count, when it is asked for. */
@Injectable()
export class SocketMetrics {
  constructor(channels: ChannelsServer, connections: Connections) {
    const { counters } = channels;
    count('channel_messages_received', 'Messages that Redis brought', () => counters.received);
    count('events_delivered', 'Events given to the connections of a channel', () => counters.delivered);
    count('events_filled', 'Events that came from the ledger because Redis did not bring them', () => counters.filled);
    gauge('connections', 'Open connections', () => connections.load.connections);
    gauge('channels_open', 'Channels that somebody here listens to', () => channels.size);
  }
}

function count(name: string, help: string, read: () => number): void {
  new Counter({
    name: `tidings_${name}_total`,
    help,
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

function gauge(name: string, help: string, read: () => number): void {
  new Gauge({
    name: `tidings_${name}`,
    help,
    collect() {
      this.set(read());
    },
  });
}
