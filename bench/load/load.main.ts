/** The load generator: a process of its own, so that what it costs is told apart from what it measures. */
import { Load } from './load.ts';
import type { Commands, Reply, Request } from './protocol.ts';

let load: Load | undefined;

function connected(): Load {
  if (load === undefined) throw new Error('not connected');
  return load;
}

async function obey({ name, ask }: Request): Promise<object> {
  switch (name) {
    case 'connect': {
      const { target, users, prefix } = ask as Commands['connect']['ask'];
      await load?.close();
      load = new Load(target, users, prefix);
      await load.clients.connect();
      return { connected: load.clients.connected };
    }
    case 'closed': {
      const { inFlight, seconds, rooms } = ask as Commands['closed']['ask'];
      return connected().closed(inFlight, seconds, rooms);
    }
    case 'open': {
      const { perSecond, seconds, rooms } = ask as Commands['open']['ask'];
      return connected().open(perSecond, seconds, rooms);
    }
    case 'announce':
      return connected().announce();
    case 'disconnect':
      await load?.close();
      load = undefined;
      return {};
    default:
      throw new Error(`unknown: ${String(name)}`);
  }
}

process.on('message', (request: Request) => {
  obey(request).then(
    (answer) => process.send!({ id: request.id, answer } satisfies Reply),
    (error: unknown) => process.send!({ id: request.id, error: String(error) } satisfies Reply),
  );
});
process.once('disconnect', () => process.exit());
process.send!({ id: 0 } satisfies Reply);
