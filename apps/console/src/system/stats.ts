/** What `GET /v1/stats` says of a running process. */
export interface InstanceStats {
  id: string;
  app: string;
  connections: number;
  users: number;
  /** RFC 3339 */
  startedAt: string;
  /** RFC 3339 */
  heartbeatAt: string;
}

/** `GET /v1/stats` */
export interface Stats {
  instances: InstanceStats[];
  connections: number;
  users: number;
  /** Null while Redis does not answer. */
  queue: { waiting: number; active: number; delayed: number } | null;
  ledger: { pending: number; oldestPendingMs: number };
}

/** `GET /v1/dev/processes`: a process that `npm start` looks after. */
export interface LocalProcess {
  name: string;
  running: boolean;
  restarts: number;
}

/** A line of the table: what is known of an instance from both. */
export interface InstanceRow {
  id: string;
  app: string;
  stats: InstanceStats | undefined;
  process: LocalProcess | undefined;
}

/** Instances that run, and processes that should. */
export function rowsOf(instances: readonly InstanceStats[], processes: readonly LocalProcess[]): InstanceRow[] {
  const ids = [...new Set([...instances.map(({ id }) => id), ...processes.map(({ name }) => name)])];
  return ids.toSorted().map((id) => {
    const stats = instances.find((instance) => instance.id === id);
    const process = processes.find(({ name }) => name === id);
    return { id, app: stats?.app ?? id.split('-')[0]!, stats, process };
  });
}

/** Sockets and workers are there to be killed; the api serves this page's orders. */
export function hasButtons({ process, app }: InstanceRow): boolean {
  return process !== undefined && app !== 'api';
}
