/**
 * `npm run ops -- <command>`: what operators do with actions and users, through the routes of a
 * running api (`--api`, or `API_URL`) and with a token that has the scope `ops` (`--token`, or
 * `OPS_TOKEN`). Prints JSON; exits with 1 when the api refuses.
 */
import { Command, InvalidArgumentError, Option } from 'commander';

interface Access {
  api: string;
  token: string;
}

async function call(method: string, path: string, { api, token }: Access): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(new URL(path, api), { method, headers }).catch((cause: unknown) => {
    throw new Error(`${api} cannot be asked (--api or API_URL): ${reasonOf(cause)}`, { cause });
  });
  const text = await answer.text();
  // A page of whatever else listens there is no answer.
  const isAnswer = answer.ok && answer.headers.get('content-type')?.startsWith('application/json');
  if (!isAnswer) throw new Error(`${method} ${path} was answered ${answer.status}: ${text}`);
  process.stdout.write(`${JSON.stringify(JSON.parse(text), null, 2)}\n`);
}

/** That of fetch only says that it failed; its cause says why, of several addresses by its code alone. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.message || cause?.code || message;
}

function parseUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return text;
  throw new InvalidArgumentError('It must be a URL such as http://127.0.0.1:3000.');
}

/** The path with those of the parameters that are given. */
function query(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `${path}?${new URLSearchParams(given).toString()}`;
}

const program = new Command('ops')
  .description('Looks at actions, tries failed ones again, erases users.')
  .addOption(
    new Option('--api <url>', 'URL of the api').env('API_URL').default('http://127.0.0.1:3000').argParser(parseUrl),
  )
  .addOption(new Option('--token <jwt>', 'token with the scope "ops"').env('OPS_TOKEN').makeOptionMandatory());

program
  .command('list')
  .description('actions of all users, the newest first')
  .option('--status <status>', 'pending, running, succeeded, failed, cancelled or expired')
  .option('--type <type>', 'such as messages.create')
  .option('--owner <user>', 'who submitted them')
  .option('--after <cursor>', '"next" of the page before')
  .option('--limit <count>', 'at most so many')
  .action((options: Record<string, string>) => call('GET', query('/v1/ops/actions', options), program.opts<Access>()));

program
  .command('show <id>')
  .description('an action, with its payload')
  .action((id: string) => call('GET', `/v1/ops/actions/${encodeURIComponent(id)}`, program.opts<Access>()));

program
  .command('retry <id>')
  .description('submits what failed or expired once more, as another action of the same owner')
  .action((id: string) => call('POST', `/v1/ops/actions/${encodeURIComponent(id)}/retry`, program.opts<Access>()));

program
  .command('erase <user>')
  .description('cancels, blanks and deletes what there is of a user, and revokes their tokens')
  .action((user: string) => call('DELETE', `/v1/ops/users/${encodeURIComponent(user)}`, program.opts<Access>()));

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
