import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { EphemeralEnvelope, Envelope, Progress } from '#contracts';
import { TidingsGateway } from '../gateway/tidings.gateway.ts';

/** From the channels to the sockets. */
@Controller()
export class DeliveryController {
  constructor(private readonly gateway: TidingsGateway) {}

  @EventPattern('outcome')
  outcome(@Payload() envelope: Envelope): void {
    this.gateway.deliver(envelope);
  }

  @EventPattern('event')
  event(@Payload() envelope: Envelope): void {
    this.gateway.deliver(envelope);
  }

  @EventPattern('progress')
  progress(@Payload() envelope: EphemeralEnvelope<Progress>): void {
    this.gateway.tell('progress', envelope);
  }
}
