import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ActionsModule } from '#actions';
import { AuthModule } from '#auth';
import { ChannelsModule } from '#channels';
import { ConfigModule, SocketConfig } from '#config';
import { DatabaseModule } from '#database';
import { ProblemFilter, RateLimitGuard } from '#http';
import { InstancesModule } from '#instances';
import { LedgerHistory, LedgerModule } from '#ledger';
import { TelemetryModule } from '#telemetry';
import { DeliveryController } from './delivery/delivery.controller.ts';
import { OutcomeTelemetry } from './delivery/outcome-telemetry.ts';
import { Audience } from './connections/audience.ts';
import { Memberships } from './connections/memberships.service.ts';
import { Connections } from './connections/connections.service.ts';
import { Admission } from './gateway/admission.ts';
import { EventLimits } from './gateway/event-limits.ts';
import { TidingsGateway } from './gateway/tidings.gateway.ts';
import { MirrorService } from './mirror/mirror.service.ts';
import { Presence } from './presence/presence.ts';
import { PresenceStore } from './presence/presence-store.ts';
import { SocketHealth } from './socket.health.ts';
import { SocketMetrics } from './socket.metrics.ts';
import { StreamController } from './stream/stream.controller.ts';
import { StreamHub } from './stream/stream-hub.ts';

const channels = ChannelsModule.forSubscriber(LedgerHistory, [LedgerModule]);

/** Holds the connections of users, and tells them what happens on their channels. */
@Module({
  imports: [
    ConfigModule.forApp(SocketConfig),
    TelemetryModule.forApp({ app: 'socket', health: SocketHealth, imports: [channels] }),
    DatabaseModule.forApp('socket'),
    ActionsModule,
    AuthModule,
    LedgerModule,
    channels,
    ChannelsModule.forPublisher(),
    InstancesModule.forApp('socket'),
  ],
  controllers: [DeliveryController, StreamController],
  providers: [
    Audience,
    Connections,
    Memberships,
    MirrorService,
    Presence,
    PresenceStore,
    OutcomeTelemetry,
    SocketMetrics,
    Admission,
    EventLimits,
    RateLimitGuard,
    StreamHub,
    TidingsGateway,
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class SocketModule {}
