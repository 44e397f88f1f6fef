import { Module } from '@nestjs/common';
import { AuthModule } from '#auth';
import { ChannelsModule } from '#channels';
import { ConfigModule, SocketConfig } from '#config';
import { DatabaseModule } from '#database';
import { LedgerHistory, LedgerModule } from '#ledger';
import { TelemetryModule } from '#telemetry';
import { DeliveryController } from './delivery/delivery.controller.ts';
import { Audience } from './gateway/audience.ts';
import { TidingsGateway } from './gateway/tidings.gateway.ts';
import { SocketHealth } from './socket.health.ts';

const channels = ChannelsModule.forSubscriber(LedgerHistory, [LedgerModule]);

/** Holds the connections of users, and tells them what happens on their channels. */
@Module({
  imports: [
    ConfigModule.forApp(SocketConfig),
    TelemetryModule.forApp({ app: 'socket', health: SocketHealth, imports: [channels] }),
    DatabaseModule.forApp('socket'),
    AuthModule,
    channels,
  ],
  controllers: [DeliveryController],
  providers: [Audience, TidingsGateway],
})
export class SocketModule {}
