import type { ActivityEntry } from '../activity/activity-entry.svelte.ts';
import type { Hearing } from '../activity/hearing.ts';
import { statusInWords, typeInWords } from '../activity/words.ts';

/** An outcome, as a screen reader says it. */
export function announcementOf(entry: ActivityEntry, { instance, outcome }: Hearing): string {
  const { type, label, status, problem } = entry;
  const manner = outcome.replayed ? 'replayed by' : 'heard from';
  const why = problem ? ` ${problem.words}` : '';
  return `${typeInWords(type)} “${label}”: ${statusInWords(status).toLowerCase()}, ${manner} ${instance}.${why}`;
}
