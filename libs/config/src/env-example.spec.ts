import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ApiConfig, SocketConfig, variablesOf, WorkerConfig } from './index.ts';

const read = (name: string): Promise<string> => readFile(new URL(`../../../${name}`, import.meta.url), 'utf8');
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].toSorted();
const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name]) => name ?? '');

const ofApps = [ApiConfig, SocketConfig, WorkerConfig].flatMap((schema) => variablesOf(schema));

describe('.env.example', () => {
  it('lists exactly the variables of the apps and of docker-compose.yml', async () => {
    const listed = matches(await read('.env.example'), /^(?:# )?([A-Z][A-Z\d_]+)=/gm);
    const ofCompose = matches(await read('docker-compose.yml'), /\$\{([A-Z\d_]+)/g);
    expect(listed).toEqual([...new Set(listed)]);
    expect(sorted(listed)).toEqual(sorted([...ofApps, ...ofCompose]));
  });

  it('shows the default of each, but of the name of a process, which is its own', async () => {
    const text = await read('.env.example');
    const defaults = [ApiConfig, SocketConfig, WorkerConfig].flatMap((schema) => Object.entries(new schema()));
    const shown = (name: string): string | undefined => new RegExp(`^(?:# )?${name}=(.*)$`, 'm').exec(text)?.[1];
    const others = defaults.filter(([name, value]) => name !== 'INSTANCE_ID' && shown(name) !== String(value ?? ''));
    expect(others).toEqual([]);
  });

  it('names no variable that docker-compose.yml passes on and no app reads', async () => {
    const passedOn = matches(await read('docker-compose.yml'), /^ {2,6}([A-Z][A-Z\d_]+):$/gm);
    expect(passedOn.length).toBeGreaterThan(0);
    expect(passedOn.filter((name) => !ofApps.includes(name))).toEqual([]);
  });

  it('names no variable that docker-compose.yml keeps from the apps', async () => {
    const given = new Set(matches(await read('docker-compose.yml'), /^ {2,6}([A-Z][A-Z\d_]+):/gm));
    const ofContainers = ['CRASH_POINT', 'HOST', 'INSTANCE_ID', 'NODE_ENV', 'PORT', 'SUPERVISOR_URL'];
    expect(sorted(ofApps.filter((name) => !given.has(name)))).toEqual(ofContainers);
  });
});
