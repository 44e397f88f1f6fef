import { Balancer } from '../../../infra/local/balancer.ts';
import { atEndOfFile } from './cleanup.ts';

export type { Balancer };

/**
 * Starts a balancer in front of several instances. It ends with the test file.
 *
 * @param targets looked at for every connection: instances may come and go
 */
export async function startBalancer(targets: Iterable<{ url: string }>): Promise<Balancer> {
  const balancer = await new Balancer(targets).start();
  atEndOfFile(async () => balancer.stop());
  return balancer;
}
