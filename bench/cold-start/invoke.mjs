// Loads a function and submits one message to it, as AWS does; plain JavaScript, so that nothing
// but the function has to be compiled.
const { handler } = await import(process.argv[2]);
const { statusCode } = await handler(
  {
    version: '2.0',
    rawPath: '/v1/messages',
    headers: { authorization: `Bearer ${process.env.TOKEN}`, 'content-type': 'application/json' },
    requestContext: { http: { method: 'POST', path: '/v1/messages', sourceIp: '203.0.113.9' } },
    body: '{"text":"the first one"}',
    isBase64Encoded: false,
  },
  {},
);
// What was compiled is kept for the next process; a function does so while it is built.
if (process.env.NODE_COMPILE_CACHE) (await import('node:module')).flushCompileCache();
process.send(statusCode);
