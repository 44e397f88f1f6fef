import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { runCommand } from '../local/run-command.ts';
import { ROOT } from '../local/run-tool.ts';
import { validateManifest, type Manifest } from './validate-manifest.ts';

/** What `kubectl apply -k` would send. */
async function build(overlay: string): Promise<Manifest[]> {
  const text = await runCommand('kubectl', ['kustomize', join(ROOT, 'infra/kubernetes/overlays', overlay)]);
  return parseAllDocuments(text).map((document) => unfolded(document.toJS() as Manifest));
}

/** kustomize breaks long secrets into lines, which Kubernetes joins again. */
function unfolded(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret') return manifest;
  return JSON.parse(JSON.stringify(manifest), (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\n', '') : value,
  ) as Manifest;
}

function namesOf(manifests: readonly Manifest[], kind: string): string[] {
  return manifests.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name);
}

describe.each(['development', 'production'])('the overlay %s', (overlay) => {
  it('follows the schemas as a whole', async () => {
    const manifests = await build(overlay);
    for (const manifest of manifests) await validateManifest(manifest);
    expect(namesOf(manifests, 'Deployment')).toEqual(
      expect.arrayContaining(['tidings-api', 'tidings-socket', 'tidings-worker']),
    );
    expect(namesOf(manifests, 'Job')).toEqual(['tidings-migrate']);
  });
});

describe('the overlay production', () => {
  it('closes off our pods alone: a gateway may have its own in the namespace', async () => {
    const policies = (await build('production')).filter(({ kind }) => kind === 'NetworkPolicy');
    expect(policies.length).toBeGreaterThan(2);
    for (const { spec } of policies) {
      expect(spec).toMatchObject({
        podSelector: {
          matchLabels: { 'app.kubernetes.io/name': 'tidings' },
          matchExpressions: [{ key: 'app.kubernetes.io/component', operator: 'In' }],
        },
      });
    }
  });

  it('leaves the number of instances to those who scale, who scale what exists', async () => {
    const manifests = await build('production');
    const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
    for (const { spec } of deployments) expect(spec).not.toHaveProperty('replicas');
    const scaled = manifests.filter(({ kind }) => kind === 'ScaledObject' || kind === 'HorizontalPodAutoscaler');
    const targets = scaled.map(({ spec }) => (spec as { scaleTargetRef: { name: string } }).scaleTargetRef.name);
    expect(targets.toSorted()).toEqual(namesOf(deployments, 'Deployment').toSorted());
  });

  it('has no secret, and no image without a version', async () => {
    const manifests = await build('production');
    expect(namesOf(manifests, 'Secret')).toEqual([]);
    const images = JSON.stringify(manifests).matchAll(/"image":"([^"]*)"/g);
    for (const [, image] of images) expect(image).toMatch(/^registry\.example\.com\/tidings-[a-z]+:\d+\.\d+\.\d+$/);
  });
});

describe('the overlay development', () => {
  it('is a system of its own: its stores are in it, and nothing that a cluster may lack', async () => {
    const manifests = await build('development');
    expect(namesOf(manifests, 'Service')).toEqual(expect.arrayContaining(['postgres', 'redis']));
    const groups = manifests.map(({ apiVersion }) => apiVersion);
    expect(groups.filter((group) => /keda|gateway|monitoring/.test(group))).toEqual([]);
  });
});
