/** What an instance carries. */
export interface InstanceLoad {
  connections: number;
  /** Different users among the connections; guests are none. */
  users: number;
}

/** One running process of an app. */
export interface InstanceStatus extends InstanceLoad {
  /** `INSTANCE_ID`: stable over restarts of the process. */
  id: string;
  app: string;
  /** RFC 3339 */
  startedAt: string;
  /** RFC 3339, by the clock of Redis. */
  heartbeatAt: string;
}
