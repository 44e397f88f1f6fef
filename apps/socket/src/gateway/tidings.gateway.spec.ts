import type { Socket } from 'socket.io';
import { expect, it } from 'vitest';
import type { Identity, TokenVerifier } from '#auth';
import type { Connections } from '../connections/connections.service.ts';
import type { SocketConnection } from './socket-connection.ts';
import { TidingsGateway } from './tidings.gateway.ts';

const NOBODY = undefined as never;

const identityOf = (tokenId: string): Identity => ({
  userId: 'alice',
  scopes: new Set(),
  tokenId,
  issuedAt: 0,
  expiresAt: 4_000_000_000,
});

it('of several tokens that come at once the last one lasts, also where it is verified first', async () => {
  // The key of the first has to be fetched from its issuer.
  const fetched = Promise.withResolvers<void>();
  const verifier = {
    async verify(token: string): Promise<Identity> {
      if (token === 'first') await fetched.promise;
      if (token === 'bad') throw new Error('not valid');
      return identityOf(token);
    },
  } as unknown as TokenVerifier;
  const inForce: string[] = [];
  const connection = {
    identity: identityOf('none'),
    renew: ({ tokenId }: Identity) => void inForce.push(tokenId!),
  } as unknown as SocketConnection;
  const connections = { get: () => connection } as unknown as Connections;
  const gateway = new TidingsGateway(
    NOBODY,
    verifier,
    connections,
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
    NOBODY,
  );
  const socket = {} as Socket;
  const refreshes = ['first', 'bad', 'last'].map((token) => gateway.refresh(socket, { token }));
  // Another connection waits for none of them.
  await gateway.refresh({} as Socket, { token: 'other' });
  fetched.resolve();
  const answers = await Promise.allSettled(refreshes);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(inForce).toEqual(['other', 'first', 'last']);
});
