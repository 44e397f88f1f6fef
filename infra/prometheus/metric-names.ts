import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../local/run-tool.ts';

const FILES = [
  'infra/prometheus/alerts.yml',
  'infra/grafana/dashboards/*.json',
  'infra/kubernetes/components/**/*.yaml',
];

/** The metrics of the apps that alerts, dashboards and autoscaling ask for, with the file that does. */
export async function metricNames(): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const file of globSync(FILES, { cwd: ROOT })) {
    const text = await readFile(join(ROOT, file), 'utf8');
    for (const [name] of text.matchAll(/\b(?:tidings|nodejs|process)_[a-z0-9_]+/g)) names.set(name, file);
  }
  return names;
}
