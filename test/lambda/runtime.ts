import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { Handler } from '../../apps/api/src/lambda.ts';

export interface Reply {
  result?: APIGatewayProxyStructuredResultV2;
  error?: string;
}

const { handler } = (await import(process.argv[2]!)) as { handler: Handler };

function reply(message: Reply): void {
  process.send!(message);
}

process.on('message', ({ event, context }: { event: APIGatewayProxyEventV2; context: Context }) => {
  handler(event, context).then(
    (result) => reply({ result }),
    (error: unknown) => reply({ error: String(error) }),
  );
});
reply({});
