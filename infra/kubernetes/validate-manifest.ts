/** What every object of Kubernetes has. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: object;
}

interface Model {
  /** @throws {Error} that names every field that is wrong */
  validate: () => void;
}

/** Where the published schemas of a version of an API are, one module a kind. */
const SCHEMAS: Readonly<Record<string, string>> = {
  v1: 'kubernetes-models/v1',
  'apps/v1': 'kubernetes-models/apps/v1',
  'autoscaling/v2': 'kubernetes-models/autoscaling/v2',
  'batch/v1': 'kubernetes-models/batch/v1',
  'networking.k8s.io/v1': 'kubernetes-models/networking.k8s.io/v1',
  'policy/v1': 'kubernetes-models/policy/v1',
  'gateway.networking.k8s.io/v1': '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1',
  'keda.sh/v1alpha1': '@kubernetes-models/keda/keda.sh/v1alpha1',
  'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
};

/**
 * Holds a manifest against its published schema.
 *
 * @throws {Error} when a field is wrong, or its version and kind are unknown
 */
export async function validateManifest(manifest: Manifest): Promise<void> {
  const { apiVersion, kind, metadata } = manifest;
  const folder = SCHEMAS[apiVersion];
  if (folder === undefined) throw new Error(`there is no schema of ${apiVersion}`);
  // All kinds of a version at once would take seconds to load.
  const schema = (await import(`${folder}/${kind}`).catch((cause: unknown) => {
    throw new Error(`there is no schema of ${kind} in ${apiVersion}`, { cause });
  })) as Record<string, new (data: Manifest) => Model>;
  try {
    new schema[kind]!(manifest).validate();
  } catch (cause) {
    throw new Error(`${kind} ${metadata.name}: ${(cause as Error).message}`, { cause });
  }
}
