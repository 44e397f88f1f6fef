import { beforeAll, expect, it } from 'vitest';
import { startSystem, type System } from '#testing';
import { metricNames } from '../infra/prometheus/metric-names.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem({ sockets: 1 });
});

it('every metric that alerts, dashboard and autoscaling ask for is one that the apps have', async () => {
  const texts = await Promise.all(
    [...system.apis, ...system.workers, ...system.sockets].map(async ({ url }) =>
      (await fetch(`${url}/metrics`)).text(),
    ),
  );
  const known = new Set<string>();
  for (const [, name, type] of texts.join('\n').matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    known.add(name!);
    if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) known.add(`${name}_${part}`);
  }
  const asked = await metricNames();
  expect(asked.size).toBeGreaterThan(20);
  expect([...asked].filter(([name]) => !known.has(name))).toEqual([]);
});
