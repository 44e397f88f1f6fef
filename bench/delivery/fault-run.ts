import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type TidingsClient } from '#client';
import type { Line } from '../../test/client/line.ts';
import type { FAULTS } from './faults.ts';
import { tokenOf, type BenchSystem } from './system.ts';

const USERS = 20;
const ACTIONS = 2_000;
const PER_SECOND = 200;

/** When the fault comes, after the first submit. */
const FAULT_AFTER_MS = 2_500;

/** The longest until everything is heard, after the last submit. */
const HEARD_WITHIN_MS = 60_000;

export interface FaultRun {
  accepted: number;
  lost: number;
  doubled: number;
  disordered: number;
  /** From the last submit until everything was heard. */
  healedMs: number;
}

interface Ear {
  client: TidingsClient;
  accepted: Set<string>;
  heard: string[];
  offsets: number[];
}

let runs = 0;

/** Submits at a steady pace over the client library, lets something go wrong, and counts what was heard. */
export async function runFault(
  system: BenchSystem,
  lines: readonly Line[],
  fault: (typeof FAULTS)[string],
): Promise<FaultRun> {
  runs += 1;
  const ears = await Promise.all(Array.from({ length: USERS }, (_, index) => listen(system, lines, index)));
  const failing = delay(FAULT_AFTER_MS).then(() => fault(system, lines));
  await submitAll(ears);
  const submittedAt = performance.now();
  await failing;
  const isDone = (): boolean => ears.every(({ accepted, heard }) => new Set(heard).size >= accepted.size);
  while (!isDone() && performance.now() - submittedAt < HEARD_WITHIN_MS) await delay(20);
  const healedMs = Math.round(performance.now() - submittedAt);
  // Whatever comes twice would come now.
  await delay(500);
  for (const { client } of ears) client.close();
  return { ...count(ears), healedMs };
}

async function listen({ api }: BenchSystem, lines: readonly Line[], index: number): Promise<Ear> {
  const user = `run-${runs}-user-${index}`;
  const client = createClient({
    baseUrl: api.url,
    socketUrl: lines[index % lines.length]!.url,
    token: () => tokenOf(user),
  });
  const ear: Ear = { client, accepted: new Set(), heard: [], offsets: [] };
  client.on('outcome', ({ data, offset }) => {
    ear.heard.push(data.id);
    ear.offsets.push(offset);
  });
  await client.connect();
  return ear;
}

async function submitAll(ears: readonly Ear[]): Promise<void> {
  const startedAt = performance.now();
  const submits: Promise<unknown>[] = [];
  for (let index = 0; index < ACTIONS; index += 1) {
    const { client, accepted } = ears[index % ears.length]!;
    submits.push(client.messages.create({ text: `message ${index}` }).then(({ action }) => accepted.add(action.id)));
    const wait = startedAt + ((index + 1) * 1_000) / PER_SECOND - performance.now();
    if (wait > 0) await delay(wait);
  }
  await Promise.all(submits);
}

function count(ears: readonly Ear[]): Omit<FaultRun, 'healedMs'> {
  const result = { accepted: 0, lost: 0, doubled: 0, disordered: 0 };
  for (const { accepted, heard, offsets } of ears) {
    const distinct = new Set(heard);
    result.accepted += accepted.size;
    result.lost += [...accepted].filter((id) => !distinct.has(id)).length;
    result.doubled += heard.length - distinct.size;
    result.disordered += offsets.filter((offset, index) => offset !== index + 1).length;
  }
  return result;
}
