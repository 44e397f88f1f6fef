import 'reflect-metadata';
import type { Type } from '@nestjs/common';
import { eventNameOf, type ChannelEvent, type ChannelName } from '#contracts';

const PUBLISHABLE = Symbol('publishable');

/** How events of a class are told to sockets. */
export interface PublishableOptions<Event extends object> {
  /** Past tense, as clients see it: `report.ready`. */
  type: string;
  /** Who hears it: `userChannel(…)`, `roomChannel(…)`, `AUTHENTICATED` or `EVERYONE` of #contracts. */
  channel: (event: Event) => ChannelName;
  /** What it is about, `<resource>/<id>` (CloudEvents `subject`); the first part of its type unless given. */
  subject?: (event: Event) => string;
  /** What clients get; the own properties of the event unless given. */
  data?: (event: Event) => object;
}

const TYPE = /^[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*$/;
const CHANNEL = /^(everyone|authenticated|(user|room):[\x21-\x7e]{1,1900})$/;

/** Largest data of an event, in characters of JSON. */
const LARGEST_DATA = 60_000;

/**
 * Marks a class of events that sockets may hear. Its subclasses are not marked with it.
 *
 * @throws {Error} when the type is none, or one that belongs to outcomes
 */
export function Publishable<Event extends object>(options: PublishableOptions<Event>) {
  const { type } = options;
  if (!TYPE.test(type)) throw new Error(`"${type}" is no type of an event: name what happened, as in "report.ready"`);
  if (type.startsWith('action.') || eventNameOf(type) === 'outcome') {
    throw new Error(`"${type}" is a type of the outcomes of actions: choose another one`);
  }
  return (target: Type<Event>): void => Reflect.defineMetadata(PUBLISHABLE, options, target);
}

/** Whether an event is of a class that is marked. */
export function isPublishable(event: object): boolean {
  return Reflect.hasOwnMetadata(PUBLISHABLE, event.constructor);
}

/**
 * What an event tells its channel.
 *
 * @throws {Error} when its class is not marked, or it cannot be told
 */
export function toChannelEvent(event: object): ChannelEvent {
  const name = event.constructor.name;
  const options = Reflect.getOwnMetadata(PUBLISHABLE, event.constructor) as PublishableOptions<object> | undefined;
  if (!options) throw new Error(`${name} is not to be published: mark it with @Publishable()`);
  const { type, channel: channelOf, subject, data: dataOf } = options;
  const channel = channelOf(event);
  if (!CHANNEL.test(channel)) throw new Error(`${name} names no channel: use userChannel() or its like of #contracts`);
  // Once through JSON: it is what it was when it was published, and equal for those who hear it later.
  const text = JSON.stringify(dataOf ? dataOf(event) : { ...event });
  if (text.length > LARGEST_DATA) throw new Error(`${name} has ${text.length} characters of data: send a reference`);
  return { channel, type, subject: subject?.(event) ?? type.split('.', 1)[0]!, data: JSON.parse(text) as unknown };
}
