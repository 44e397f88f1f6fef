import { register } from 'prom-client';
import { expect, it } from 'vitest';
import { counters } from './metrics.ts';

it('a counter with a label is there for each of its values before anything was counted', async () => {
  const { red } = counters('spec_lights', 'Lights seen', 'colour', ['red', 'green']);
  const series = async (): Promise<string[]> => {
    const text = await register.getSingleMetricAsString('tidings_spec_lights_total');
    return text.split('\n').filter((line) => !line.startsWith('#'));
  };
  expect(await series()).toEqual([
    'tidings_spec_lights_total{colour="red"} 0',
    'tidings_spec_lights_total{colour="green"} 0',
  ]);
  red.inc();
  expect(await series()).toContain('tidings_spec_lights_total{colour="red"} 1');
});
