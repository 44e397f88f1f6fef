import { setTimeout as delay } from 'node:timers/promises';
import type { Figure } from './figure.ts';
import { drill, Installation, type Servers } from './installation.ts';

const RACES = 1_000;
const AT_ONCE = 50;

/** Cancel against completion: who wins is open, that there is one outcome is not. */
export async function measureCancellation(servers: Servers): Promise<Figure[]> {
  const system = await Installation.start(servers, 2);
  const headers = await system.headersOf('bench');
  let disagreements = 0;
  for (let start = 0; start < RACES; start += AT_ONCE) {
    const ids = await system.submit(Array.from({ length: AT_ONCE }, () => drill({ performMs: 3 })));
    await Promise.all(
      ids.map(async (id) => {
        await delay(Math.random() * 60);
        const { authorization } = headers;
        const response = await fetch(`${system.apis[0]!.url}/v1/actions/${id}`, {
          method: 'DELETE',
          headers: { authorization: authorization! },
        });
        const { status } = (await response.json()) as { status: string };
        const [row] = await system.ledger.query<{ status: string }>('select status::text from actions where id = $1', [
          id,
        ]);
        const agrees = response.status === 202 ? status === 'cancelled' : status !== 'cancelled';
        if (agrees && row!.status === status) return;
        disagreements += 1;
        console.error(`cancel: ${id} was answered ${response.status} ${status}, and is ${row!.status}`);
      }),
    );
  }
  await system.ledger.settled(20_000);
  const { ended } = await system.ledger.report();
  const figures = await system.judge('cancel', RACES);
  await system.stop();
  return [
    ...figures,
    { name: 'cancel: won by cancel', value: ended['cancelled'] ?? 0 },
    { name: 'cancel: won by completion', value: ended['succeeded'] ?? 0 },
    { name: 'cancel: answers that disagree', value: disagreements, wanted: '0', holds: disagreements === 0 },
  ];
}
