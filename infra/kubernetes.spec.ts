import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { validateManifest, type Manifest } from './kubernetes/validate-manifest.ts';
import { ROOT } from './local/run-tool.ts';

const FOLDER = join(ROOT, 'infra/kubernetes');
const APPS = ['api', 'socket', 'worker'];

interface Pod {
  terminationGracePeriodSeconds: number;
  securityContext: object;
  containers: Record<string, unknown>[];
}

let manifests: Manifest[];

beforeAll(async () => {
  const files = globSync('**/*.yaml', { cwd: FOLDER });
  const texts = await Promise.all(files.toSorted().map((file) => readFile(join(FOLDER, file), 'utf8')));
  manifests = texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as Manifest));
});

function find(kind: string, name: string): Manifest {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

function podOf(manifest: Manifest): Pod {
  return (manifest.spec as { template: { spec: Pod } }).template.spec;
}

describe('the manifests for Kubernetes', () => {
  it('follow the schemas of Kubernetes, KEDA, the Gateway API and the Prometheus operator', async () => {
    const resources = manifests.filter(({ apiVersion }) => !apiVersion.startsWith('kustomize.'));
    expect(resources.length).toBeGreaterThan(20);
    for (const resource of resources) await validateManifest(resource);
  });

  it('are refused with a field of the wrong kind, and as something unknown', async () => {
    const api = find('Deployment', 'tidings-api');
    await expect(validateManifest({ ...api, spec: { ...api.spec, replicas: 'two' } })).rejects.toThrow(/replicas/);
    await expect(validateManifest({ ...api, kind: 'Deploiment' })).rejects.toThrow('no schema of Deploiment');
  });

  it('give each app longer to end than it takes, and let no pod be root or write', async () => {
    const config = await readFile(join(FOLDER, 'base/kustomization.yaml'), 'utf8');
    const graceMs = Number(/SHUTDOWN_GRACE_MS=(\d+)/.exec(config)![1]);
    const pods = [...APPS.map((app) => find('Deployment', `tidings-${app}`)), find('Job', 'tidings-migrate')].map(
      podOf,
    );
    for (const { terminationGracePeriodSeconds, securityContext, containers } of pods) {
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const { securityContext: own, lifecycle } of containers) {
        expect(own).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        const pause = (lifecycle as { preStop?: { sleep: { seconds: number } } } | undefined)?.preStop?.sleep.seconds;
        expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(graceMs + (pause ?? 0) * 1000);
      }
    }
  });

  it('have probes and a disruption budget for each app', () => {
    for (const app of APPS) {
      const [container] = podOf(find('Deployment', `tidings-${app}`)).containers;
      expect(container).toMatchObject({
        startupProbe: { httpGet: { path: '/livez' } },
        livenessProbe: { httpGet: { path: '/livez' } },
        readinessProbe: { httpGet: { path: '/readyz' } },
      });
      expect(find('PodDisruptionBudget', `tidings-${app}`).spec).toMatchObject({
        maxUnavailable: 1,
        selector: { matchLabels: { 'app.kubernetes.io/component': app } },
      });
    }
  });

  it('hold no secret, and show those of tokens to nobody who needs none', () => {
    for (const [app, names] of Object.entries({
      api: ['tidings-stores', 'tidings-tokens'],
      socket: ['tidings-stores', 'tidings-tokens'],
      worker: ['tidings-stores'],
    })) {
      const [container] = podOf(find('Deployment', `tidings-${app}`)).containers;
      const sources = container!['envFrom'] as { secretRef?: { name: string } }[];
      expect(sources.flatMap(({ secretRef }) => (secretRef ? [secretRef.name] : []))).toEqual(names);
    }
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });
});
