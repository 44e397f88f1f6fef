import { relative } from 'node:path';
import { ROOT } from '../../infra/local/run-tool.ts';
import { judge } from '../checker/judge.ts';
import { tamper, TAMPERING_NAMES } from '../checker/tamper.ts';
import type { Fault } from '../faults/fault.ts';
import { summaryOf, writeReport } from '../report/report.ts';
import { tableOf } from '../report/table.ts';
import { complaintsOf } from '../report/verdict.ts';
import { labelOf, singles, type Round } from '../schedule/schedule.ts';
import { runCampaign } from './campaign.ts';
import type { ChaosOptions } from './options.ts';
import { PROFILES, type Profile, type ProfileName } from './profiles.ts';

/** The least in which one of each can be missed. */
const STAGE = { apis: 2, workers: 2, sockets: 3 };

/** A whole run, with its report; whether it has passed. */
export async function runChaos(options: ChaosOptions, parent: string, say: (line: string) => void): Promise<boolean> {
  const { seed, command, perSecond, actions } = options;
  const profile: Profile = oneOf('profile', options.profile, PROFILES as Record<ProfileName, Profile>);
  const tampering =
    options.tamper === undefined ? undefined : oneOf('tamper', options.tamper, asRecord(TAMPERING_NAMES));
  const { faults, folder } = await profile.equip(parent);
  const rounds = options.only === undefined ? profile.rounds(seed, faults) : onlyRounds(seed, faults, options.only);
  say(`seed ${seed}; to repeat it: ${command}`);
  const result = await runCampaign({
    ...{ seed, rounds, say },
    stage: { folder, ...STAGE },
    faults,
    perSecond: perSecond ?? profile.perSecond,
    leastAccepted: actions ?? (options.only === undefined ? profile.leastAccepted : Infinity),
    longestMs: profile.longestMs,
  });
  if (tampering !== undefined) {
    tamper(result.history, tampering);
    result.violations = judge(result.history, result.ledger);
  }
  console.table(tableOf(result));
  say(summaryOf(result));
  const complaints = complaintsOf(result);
  for (const { kind, what } of result.violations.slice(0, 20)) say(`${kind}: ${what}`);
  for (const complaint of complaints) say(`FAILED: ${complaint}`);
  const path = await writeReport(result, command);
  say(`${complaints.length === 0 ? 'passed' : 'failed'}; ${relative(ROOT, path)}.md and .json`);
  return complaints.length === 0;
}

function onlyRounds(seed: number, faults: readonly Fault[], only: string): Round[] {
  const all = singles(seed, faults);
  const wanted = all.filter(({ faults: [fault] }) => fault!.kind === only || labelOf(fault!) === only);
  if (wanted.length > 0) return wanted;
  throw new Error(`there is no fault ${only}, only ${all.map(({ faults: [fault] }) => labelOf(fault!)).join(', ')}`);
}

function oneOf<Value>(name: string, given: string, all: Readonly<Record<string, Value>>): Value {
  if (Object.hasOwn(all, given)) return all[given]!;
  throw new Error(`--${name} must be one of ${Object.keys(all).join(', ')}, not ${given}`);
}

function asRecord<Name extends string>(names: readonly Name[]): Record<Name, Name> {
  return Object.fromEntries(names.map((name) => [name, name])) as Record<Name, Name>;
}
