/** Who uses the page, and where their connections go. */
export interface Access {
  userId: string;
  /** Socket instances to choose from, at least one. */
  sockets: readonly string[];
  /** Whether the system is a development one, which has drills. */
  hasDrills: boolean;
  /** Gives a token that is valid now. */
  token: () => Promise<string>;
}
