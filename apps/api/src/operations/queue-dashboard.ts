import { getQueueToken } from '@nestjs/bullmq';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Queue } from 'bullmq';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import type { ApiConfig } from '#config';
import { ProblemError } from '#contracts';
import { sendProblem } from '#http';
import { TicketQueue, TICKETS } from '#queue';

const PATH = '/queues';

/** How long Redis may take to say that it is there, in milliseconds. */
const ANSWER_MS = 1_000;

/** Its page asks Google for fonts: what operators look at is nobody else's business. */
const FOREIGN_LINKS = /<link[^>]+href="https?:[^>]*>/g;
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/**
 * Serves Bull Board, to look at the tickets: off unless it has a password, and never without.
 * It changes nothing; what is to be done with actions is done in the ledger.
 */
export async function serveQueueDashboard(
  app: NestFastifyApplication,
  { QUEUES_DASHBOARD_PASSWORD: password }: ApiConfig,
): Promise<void> {
  if (password === undefined) return;
  const { createBullBoard } = await import('@bull-board/api');
  const { BullMQAdapter } = await import('@bull-board/api/bullMQAdapter');
  const { FastifyAdapter } = await import('@bull-board/fastify');
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(PATH);
  const queue = app.get<Queue>(getQueueToken(TICKETS), { strict: false });
  createBullBoard({ queues: [new BullMQAdapter(queue, { readOnlyMode: true })], serverAdapter });
  const tickets = app.get(TicketQueue, { strict: false });
  await app.register(
    (instance, _options, done) => {
      instance.addHook('onRequest', async (request, reply) => {
        void reply.header('Content-Security-Policy', POLICY).header('Cache-Control', 'no-store');
        if (!isAllowed(request, password)) return refuse(request, reply);
        // Its questions would wait for Redis, for ever.
        return (await answersInTime(tickets)) ? undefined : sendUnavailable(request, reply);
      });
      instance.addHook('onSend', async (_request, reply, payload: unknown) => {
        const isPage = String(reply.getHeader('content-type')).startsWith('text/html') && typeof payload === 'string';
        return isPage ? payload.replaceAll(FOREIGN_LINKS, '') : payload;
      });
      void instance.register(serverAdapter.registerPlugin());
      done();
    },
    { prefix: PATH },
  );
}

/** HTTP Basic (RFC 7617), by any name: browsers ask for it themselves. */
function isAllowed({ headers }: FastifyRequest, password: string): boolean {
  const [, encoded = ''] = /^Basic +([\w+/=]+)$/i.exec(headers.authorization ?? '') ?? [];
  const [, ...rest] = Buffer.from(encoded, 'base64').toString().split(':');
  return timingSafeEqual(digest(rest.join(':')), digest(password));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function refuse(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.header('WWW-Authenticate', 'Basic realm="tidings queues", charset="UTF-8"');
  sendProblem(new ProblemError('UNAUTHENTICATED', 'Send the password of the dashboard'), request, reply);
  return reply;
}

function answersInTime(tickets: TicketQueue): Promise<boolean> {
  return Promise.race([tickets.answers(), after(ANSWER_MS, false, { ref: false })]).catch(() => false);
}

function sendUnavailable(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = new ProblemError('UNAVAILABLE', 'Redis cannot be reached; try again', { retryAfterSeconds: 2 });
  sendProblem(problem, request, reply);
  return reply;
}
