export { EventBus, type EventListener } from './event-bus.ts';
export { EventPublisher } from './event-publisher.ts';
export { Publishable, type PublishableOptions } from './publishable.ts';
export { PublishingModule } from './publishing.module.ts';
