import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Program } from '../local/debian-program.ts';
import { runCommand } from '../local/run-command.ts';
import { ROOT } from '../local/run-tool.ts';

function promtool(...args: string[]): Promise<string> {
  const { command, env } = JSON.parse(process.env['TEST_PROMTOOL_PROGRAM']!) as Program;
  return runCommand(command, args, { cwd: join(ROOT, 'infra/prometheus'), env: { ...process.env, ...env } });
}

describe('the configuration of Prometheus', () => {
  it('is valid', async () => {
    // The file of the token is written when the container starts.
    expect(await promtool('check', 'config', '--syntax-only', 'prometheus.yml')).toContain('SUCCESS');
    expect(await promtool('check', 'rules', '--lint=all', '--lint-fatal', 'alerts.yml')).toContain('SUCCESS');
  });

  it('alarms when it should, and only then (alerts.test.yml)', { timeout: 60_000 }, async () => {
    expect(await promtool('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
  });
});
