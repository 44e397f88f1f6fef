import { InjectQueue } from '@nestjs/bullmq';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Queue, type JobsOptions } from 'bullmq';
import type { RedisConnection } from '#redis';
import { SWEEP, TICKET_SIZE, TICKETS, type Ticket, type TicketEntry } from './ticket.ts';

/** How long Redis may take to accept tickets, in milliseconds. */
const DEADLINE_MS = 2_000;

/** Most additions that wait for a Redis that hangs; the sweeper sees to what is beyond. */
const MOST_WAITING = 200;

/** How long Redis may take to count tickets, in milliseconds. */
const COUNT_DEADLINE_MS = 800;

/**
 * When the ticket of an action that cannot be applied now comes back, in milliseconds: not before
 * the pause is over, at the next of the moments at which all such tickets do. They are further
 * apart than such a ticket takes, so that two of one action become one.
 */
const BLOCKED_PAUSE_MS = 500;
const BLOCKED_EVERY_MS = 1_500;

/** Whoever has not waited yet goes first: strangers are not kept waiting by those who cannot be applied. */
const BLOCKED_PRIORITY = 1;

/** The states of a job that will be started. */
const TO_COME = new Set<string>(['delayed', 'prioritized', 'waiting']);

/** Kept jobs would silently swallow one that is added again under the same id. */
const REMOVED: JobsOptions = { removeOnComplete: true, removeOnFail: true, attempts: 1 };

/** How many tickets there are. */
export interface TicketCounts {
  /** Those with a priority included. */
  waiting: number;
  active: number;
  delayed: number;
}

/**
 * Where actions get their tickets. Nothing here can fail for the caller: what Redis does
 * not take is in the ledger, and the sweeper gives it a ticket later.
 */
@Injectable()
export class TicketQueue implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(TicketQueue.name);
  #waiting = 0;
  #ping: Promise<unknown> | undefined;
  readonly #adding = new Set<Promise<boolean>>();

  constructor(
    @InjectQueue(TICKETS) private readonly queue: Queue<Ticket>,
    private readonly connection: RedisConnection,
  ) {
    // At once: what it has no listener for, BullMQ prints as it is, and a command that was refused may be the password.
    this.queue.on('error', () => undefined);
  }

  onModuleInit(): void {
    this.connection.on('ready', () => this.logger.log('connected to Redis'));
    this.connection.on('close', () => this.logger.warn('not connected to Redis: the sweeper will see to new actions'));
  }

  /** Whether tickets are taken at the moment. */
  get isReady(): boolean {
    return this.connection.status === 'ready' && this.#waiting < MOST_WAITING;
  }

  /** Resolves once Redis answers: while it hangs, its connections look as good as ever. */
  async answers(): Promise<boolean> {
    if (!this.isReady) return false;
    // Of the node that has the tickets; another one of a cluster would say nothing about it.
    this.#ping ??= this.connection.exists(this.queue.toKey('meta')).finally(() => (this.#ping = undefined));
    await this.#ping;
    return this.isReady;
  }

  /**
   * Adds tickets for actions, {@link TICKET_SIZE} each.
   *
   * @param name the action type, when the actions share one
   * @param options.starts how often tickets of these actions have been started before
   * @returns whether Redis confirmed them in time
   */
  add(
    name: string,
    actions: readonly TicketEntry[],
    { delayMs = 0, starts = 0 }: { delayMs?: number; starts?: number } = {},
  ): Promise<boolean> {
    const jobs: { name: string; data: Ticket; opts: JobsOptions }[] = [];
    // Those of one resource together: workers with tickets of the same one are in each other's way.
    const sorted =
      actions.length > TICKET_SIZE ? actions.toSorted(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0)) : actions;
    for (let start = 0; start < sorted.length; start += TICKET_SIZE) {
      const data: Ticket = { actions: sorted.slice(start, start + TICKET_SIZE), ...(starts > 0 && { starts }) };
      jobs.push({ name, data, opts: optionsOf(delayMs) });
    }
    const [first] = jobs;
    if (!first) return Promise.resolve(true);
    // Alone, it needs no pipeline.
    return this.inTime(() =>
      jobs.length === 1 ? this.queue.add(first.name, first.data, first.opts) : this.queue.addBulk(jobs),
    );
  }

  /** Adds a ticket of its own for each action whose process died while it performed it. */
  addOrphans(actions: readonly TicketEntry[], delayMs: number): Promise<boolean> {
    return this.addEach('orphan', { starts: 1 }, actions, delayMs);
  }

  /**
   * Adds a ticket of its own for each action of a ticket that was started and not finished.
   *
   * @param options.starts how often such a ticket of theirs has been started before, in vain
   */
  addSuspects(
    actions: readonly TicketEntry[],
    { delayMs = 0, starts = 0 }: { delayMs?: number; starts?: number } = {},
  ): Promise<boolean> {
    return this.addEach('suspect', { suspect: true, ...(starts > 0 && { starts }) }, actions, delayMs);
  }

  private addEach(
    name: string,
    kind: Pick<Ticket, 'starts' | 'suspect'>,
    actions: readonly TicketEntry[],
    delayMs: number,
  ): Promise<boolean> {
    const opts = optionsOf(delayMs);
    return this.inTime(() =>
      this.queue.addBulk(actions.map((action) => ({ name, data: { actions: [action], ...kind }, opts }))),
    );
  }

  /**
   * Adds the ticket of an action that cannot be applied now, unless another one that was started
   * for it, by the sweeper for example, has added it already.
   *
   * @param starts how often the ticket before it was started
   * @returns whether one comes; none does while one of that moment is in somebody's hands, whose clock is ahead
   */
  async addBlocked(action: TicketEntry, starts: number): Promise<boolean> {
    const now = Date.now();
    const moment = Math.ceil((now + BLOCKED_PAUSE_MS) / BLOCKED_EVERY_MS);
    const opts = {
      ...optionsOf(moment * BLOCKED_EVERY_MS - now),
      jobId: `blocked-${action[0]}-${moment}`,
      priority: BLOCKED_PRIORITY,
    };
    const add = async (): Promise<boolean> => {
      const job = await this.queue.add('blocked', { actions: [action], ...(starts > 0 && { starts }) }, opts);
      return TO_COME.has(await job.getState());
    };
    return this.inTime(add);
  }

  /** Adds the sweep ticket, unless there is one. */
  addSweep(): Promise<boolean> {
    return this.inTime(() => this.queue.add(SWEEP, { actions: [] }, { ...REMOVED, jobId: SWEEP }));
  }

  /** How many tickets there are; null when Redis does not say so in time (0.8 s). */
  async counts(): Promise<TicketCounts | null> {
    const ask = (): Promise<Record<string, number>> => this.queue.getJobCounts();
    const counts = await this.answerOf(ask, COUNT_DEADLINE_MS);
    if (!counts) return null;
    const { waiting = 0, prioritized = 0, paused = 0, active = 0, delayed = 0 } = counts;
    return { waiting: waiting + prioritized + paused, active, delayed };
  }

  /** Resolves once what is being added now was taken or given up, for a process that is frozen when it has answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#adding);
  }

  private inTime(add: () => Promise<unknown>): Promise<boolean> {
    const ask = (): Promise<boolean> => add().then((answer) => answer !== false);
    const adding = this.answerOf(ask, DEADLINE_MS)
      .then((isTaken) => isTaken ?? false)
      .finally(() => this.#adding.delete(adding));
    this.#adding.add(adding);
    return adding;
  }

  /** What Redis answers within a deadline, or null. */
  private async answerOf<Answer>(ask: () => Promise<Answer>, deadlineMs: number): Promise<Answer | null> {
    if (!this.isReady) return null;
    this.#waiting += 1;
    const answer = ask().catch(() => null);
    void answer.finally(() => (this.#waiting -= 1));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, deadlineMs, null)));
    return Promise.race([answer, late]).finally(() => clearTimeout(timer));
  }

  /** After the last ticket: requests and tickets that are being worked on add further ones. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.race([this.queue.close(), new Promise((resolve) => setTimeout(resolve, 500).unref())]);
    this.connection.disconnect();
  }
}

function optionsOf(delayMs: number): JobsOptions {
  return { ...REMOVED, ...(delayMs > 0 && { delay: delayMs }) };
}
