import { Injectable } from '@nestjs/common';
import { ChannelsServer } from '#channels';
import { InstanceRegistry } from '#instances';
import { counterOf, gaugeOf } from '#telemetry';
import { Connections } from './connections/connections.service.ts';

/** What this app tells monitors of its work; read from those who count, when it is asked for. */
@Injectable()
export class SocketMetrics {
  constructor(channels: ChannelsServer, connections: Connections, instances: InstanceRegistry) {
    instances.measure = () => connections.load;
    const { counters } = channels;
    counterOf('channel_messages_received', 'Messages that Redis brought', () => counters.received);
    counterOf('events_delivered', 'Events given to the connections of a channel', () => counters.delivered);
    counterOf('events_filled', 'Events from the ledger that Redis did not bring', () => counters.filled);
    gaugeOf('connections', 'Open connections', () => connections.load.connections);
    gaugeOf('channels_open', 'Channels that somebody here listens to', () => channels.size);
  }
}
