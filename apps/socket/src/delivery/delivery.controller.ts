import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { evictionOf, type EphemeralEnvelope, type Envelope, type OutcomeEnvelope, type Progress } from '#contracts';
import { Connections } from '../connections/connections.service.ts';
import type { MirrorMessage } from '../mirror/mirror-message.ts';
import { TidingsGateway } from '../gateway/tidings.gateway.ts';
import { OutcomeTelemetry } from './outcome-telemetry.ts';
import { StreamHub } from '../stream/stream-hub.ts';

/** From the channels to the clients. */
@Controller()
export class DeliveryController {
  constructor(
    private readonly gateway: TidingsGateway,
    private readonly streams: StreamHub,
    private readonly connections: Connections,
    private readonly telemetry: OutcomeTelemetry,
  ) {}

  @EventPattern('outcome')
  outcome(@Payload() envelope: OutcomeEnvelope): void {
    this.send('outcome', envelope);
    this.telemetry.delivered(envelope);
  }

  @EventPattern('event')
  event(@Payload() envelope: Envelope): void {
    this.send('event', envelope);
    // After the event itself, and before the next one.
    const eviction = evictionOf(envelope);
    if (eviction) this.connections.evict(envelope.channel, eviction);
  }

  @EventPattern('progress')
  progress(@Payload() envelope: EphemeralEnvelope<Progress>): void {
    this.send('progress', envelope);
  }

  /** Who sent it is left out, and not named to the others. */
  @EventPattern('mirror')
  mirror(@Payload() { from, ...envelope }: MirrorMessage): void {
    this.send('event', envelope, from);
  }

  private send(name: string, envelope: Envelope | EphemeralEnvelope, except?: string): void {
    this.gateway.send(envelope.channel, name, envelope, except);
    this.streams.send(name, envelope);
  }
}
