import 'reflect-metadata';
import awsLambdaFastify from '@fastify/aws-lambda';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { TicketQueue } from '#queue';
import { useStructuredLogger } from '#telemetry';
import { CancellationService } from './actions/cancellation.service.ts';
import { createApp } from './create-app.ts';

/** How long an answer waits for Redis, in milliseconds: what it has not taken by then, is found in the ledger. */
const REDIS_MS = 250;

/** Answers a request that API Gateway (payload format 2.0) or a function URL passes on. */
export type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;

// Once an environment: by AWS, the time before the first request is the function's at full power.
const app = await createApp({ pages: false });
useStructuredLogger(app);
await app.init();
await app.getHttpAdapter().getInstance().ready();
const tickets = app.get(TicketQueue);
const cancellations = app.get(CancellationService);
const answer = awsLambdaFastify<APIGatewayProxyEventV2>(app.getHttpAdapter().getInstance(), {
  decorateRequest: false,
  // Values are our own matter: a comma in one does not make it two.
  parseCommaSeparatedQueryParams: false,
}) as Handler;

/** The api as an AWS Lambda function. */
export const handler: Handler = async (event, context) => {
  const result = await answer(event, context);
  // The process is frozen as soon as it has answered, in the middle of whatever it does.
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, REDIS_MS)));
  const settled = Promise.all([tickets.settled(), cancellations.settled()]);
  await Promise.race([settled, late]).finally(() => clearTimeout(timer));
  return result;
};
