import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AcceptedAction, Action, Problem } from '#contracts';
import { startSystem, type System, type TestUser } from '#testing';
import { buildBundle } from '../infra/bundle/build.ts';
import { LambdaProcess } from './lambda/lambda-process.ts';

let system: System;
let lambda: LambdaProcess;
let alice: TestUser;

beforeAll(async () => {
  [system] = await Promise.all([startSystem({ apis: 0, sockets: 1 }), buildBundle()]);
  lambda = await LambdaProcess.start(system);
  // It calls the function only.
  alice = await system.user('alice', {}, 'http://api.example.com');
});

function event(method: string, path: string, more: Partial<APIGatewayProxyEventV2> = {}): APIGatewayProxyEventV2 {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  const query = Object.fromEntries(new URLSearchParams(rawQueryString));
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(rawQueryString !== '' && { queryStringParameters: query }),
    isBase64Encoded: false,
    ...more,
    headers: { host: 'api.example.com', authorization: `Bearer ${alice.token}`, ...more.headers },
    requestContext: {
      accountId: '123456789012',
      apiId: 'api',
      domainName: 'api.example.com',
      domainPrefix: 'api',
      requestId: 'request',
      routeKey: '$default',
      stage: '$default',
      time: '24/Nov/2026:12:00:00 +0000',
      timeEpoch: 1_795_521_600_000,
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.9', userAgent: 'test' },
    },
  };
}

interface Answer<Body> {
  statusCode: number;
  headers: Record<string, string>;
  cookies?: string[];
  isBase64Encoded?: boolean;
  json: Body;
}

async function invoke<Body>(request: APIGatewayProxyEventV2): Promise<Answer<Body>> {
  const { body, ...result } = await lambda.invoke(request, { awsRequestId: 'request' } as Context);
  return { ...result, json: JSON.parse(body!) as Body } as Answer<Body>;
}

const JSON_BODY = { 'content-type': 'application/json' };

describe('the api as a function, in one file, invoked with events of API Gateway,', () => {
  it('accepts an action, which a worker applies, and whose owner hears of it', async () => {
    const listener = await alice.connect(system.sockets[0]!);
    const { statusCode, headers, cookies, json } = await invoke<AcceptedAction>(
      event('POST', '/v1/messages', { headers: JSON_BODY, body: JSON.stringify({ text: 'from a function' }) }),
    );
    expect(statusCode).toBe(202);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      location: `/v1/actions/${json.id}`,
      'retry-after': '1',
    });
    expect(cookies).toBeUndefined();
    const outcome = await listener.outcomeOf(json);
    expect(outcome).toMatchObject({ type: 'action.succeeded', data: { response: { text: 'from a function' } } });
    expect((await invoke<Action>(event('GET', `/v1/actions/${json.id}`))).json).toMatchObject({ status: 'succeeded' });
  });

  it('takes bodies in base64, which may be gzipped', async () => {
    const text = 'Grüße, 你好';
    const bytes = gzipSync(JSON.stringify({ text }));
    const { statusCode, json } = await invoke<Action>(
      event('POST', '/v1/messages', {
        headers: { ...JSON_BODY, 'content-encoding': 'gzip', prefer: 'wait=10' },
        body: bytes.toString('base64'),
        isBase64Encoded: true,
      }),
    );
    expect({ statusCode, status: json.status, response: json.response }).toMatchObject({
      statusCode: 200,
      status: 'succeeded',
      response: { text },
    });
  });

  it('reads queries, and leaves their commas alone', async () => {
    const { statusCode, json } = await invoke<{ data: Action[] }>(event('GET', '/v1/actions?status=succeeded&limit=1'));
    expect(statusCode).toBe(200);
    expect(json.data).toHaveLength(1);
    const refused = await invoke<Problem>(event('GET', '/v1/actions?status=succeeded,failed'));
    expect({ statusCode: refused.statusCode, code: refused.json.code }).toEqual({
      statusCode: 400,
      code: 'VALIDATION_FAILED',
    });
  });

  it('lists resources by the rules of their queries, which are put together from several classes', async () => {
    const { statusCode, json } = await invoke<{ data: unknown[] }>(event('GET', '/v1/messages?limit=1'));
    expect({ statusCode, items: json.data.length }).toEqual({ statusCode: 200, items: 1 });
    const refused = await invoke<Problem>(event('GET', '/v1/messages?roomId=none'));
    expect({ statusCode: refused.statusCode, detail: refused.json.detail }).toEqual({
      statusCode: 400,
      detail: 'query.roomId must be a UUID',
    });
  });

  it.each<[string, number, string, () => APIGatewayProxyEventV2]>([
    ['without a token', 401, 'UNAUTHENTICATED', () => event('GET', '/v1/messages', { headers: { authorization: '' } })],
    ['for an unknown route', 404, 'NOT_FOUND', () => event('GET', '/v1/nowhere')],
    [
      'with a broken body',
      400,
      'MALFORMED_JSON',
      () => event('POST', '/v1/messages', { headers: JSON_BODY, body: '{"text":' }),
    ],
    [
      'with a body that is too large',
      413,
      'PAYLOAD_TOO_LARGE',
      () => event('POST', '/v1/messages', { headers: JSON_BODY, body: JSON.stringify({ text: 'x'.repeat(200_000) }) }),
    ],
  ])('answers a request %s with a problem', async (_, status, code, request) => {
    const { statusCode, headers, isBase64Encoded, json } = await invoke<Problem>(request());
    expect({ statusCode, code: json.code, type: headers['content-type'], isBase64Encoded }).toEqual({
      statusCode: status,
      code,
      type: expect.stringContaining('application/problem+json') as string,
      isBase64Encoded: false,
    });
  });

  it('serves its documents, and no page', async () => {
    const { statusCode, json } = await invoke<{ openapi: string }>(event('GET', '/openapi.json'));
    expect({ statusCode, openapi: json.openapi }).toEqual({ statusCode: 200, openapi: expect.any(String) as string });
    expect((await invoke(event('GET', '/docs'))).statusCode).toBe(404);
  });

  it('starts with a password for the page of the queue too, which it does not serve', async () => {
    const other = await LambdaProcess.start(system, { QUEUES_DASHBOARD_PASSWORD: 'a-password-for-the-queue' });
    const { statusCode } = await other.invoke(event('GET', '/queues'), {} as Context);
    expect(statusCode).toBe(404);
  });

  it('names the caller by the address that API Gateway saw', async () => {
    const limited = await LambdaProcess.start(system, { RATE_LIMIT_PER_ADDRESS: '1' });
    const from = (sourceIp: string): APIGatewayProxyEventV2 => {
      const request = event('GET', '/v1/messages', { headers: { 'x-forwarded-for': '198.51.100.1' } });
      request.requestContext.http.sourceIp = sourceIp;
      return request;
    };
    const statuses: (number | undefined)[] = [];
    for (const address of ['203.0.113.1', '203.0.113.1', '203.0.113.2']) {
      statuses.push((await limited.invoke(from(address), {} as Context)).statusCode);
    }
    expect(statuses).toEqual([200, 429, 200]);
  });
});
