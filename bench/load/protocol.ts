/** What the runner asks of the load generator, and what it answers; both are processes. */
export interface Target {
  api: string;
  sockets: string[];
  secret: string;
  wire: Wire;
}

/** How the clients of a system speak. */
export interface Wire {
  protocol: 'socket.io' | 'ws';
  /** Start of the message after which a client hears everything. */
  ready: string;
  /** Start of a message that tells an outcome, and what stands before the id of the action in it. */
  outcome: string;
  beforeId: string;
  /** Whether outcomes come at all; without them an answer ends an operation. */
  hears: boolean;
}

export interface Commands {
  /** Connects users `<prefix>0`… one socket each, spread over the socket processes. */
  connect: { ask: { target: Target; users: number; prefix: string }; answer: { connected: number } };
  /** Keeps a number of operations under way. */
  closed: { ask: { inFlight: number; seconds: number; rooms?: string[] }; answer: LoadResult };
  /** Submits at a fixed rate, whatever is answered. */
  open: { ask: { perSecond: number; seconds: number; rooms?: string[] }; answer: LoadResult };
  /** Submits one announcement; all clients hear it. */
  announce: { ask: object; answer: FanOutResult };
  disconnect: { ask: object; answer: object };
}

export type CommandName = keyof Commands;

export interface LoadResult {
  submitted: number;
  /** Submits that were not answered 202. */
  refused: number;
  outcomes: number;
  /** Accepted, and not heard of within the limit. */
  lost: number;
  /** Outcomes within the time of the load, a second. */
  perSecond: number;
  /** Submit to outcome, in milliseconds. */
  p50: number;
  p99: number;
}

export interface FanOutResult {
  heard: number;
  /** From the submit until the median client, and the last one, heard it, in milliseconds. */
  p50: number;
  last: number;
}

export interface Request<Name extends CommandName = CommandName> {
  id: number;
  name: Name;
  ask: Commands[Name]['ask'];
}

export interface Reply {
  id: number;
  answer?: unknown;
  error?: string;
}
