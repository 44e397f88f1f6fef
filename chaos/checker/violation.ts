/** What must be zero. */
export const VIOLATION_KINDS = ['lost', 'duplicated', 'reordered', 'foreign', 'phantom', 'ambiguous'] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];

export interface Violation {
  kind: ViolationKind;
  /** For people to read, with the ids to look for. */
  what: string;
  /** When it was caused, as far as that is known: by `performance.now()`, in milliseconds. */
  at: number;
}
