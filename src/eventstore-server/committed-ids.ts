/** Where an event of this id went. */
export interface Committed {
  readonly stream: string;
  readonly revision: bigint;
}

/**
 * Ids of the events appended last, so that a retry without an expected revision is told from a new append. In memory and
 * bounded, as in the real server: after a restart, or after so many others, such a retry appends again.
 */
export interface CommittedIds {
  find(id: string): Committed | null;
  note(stream: string, ids: readonly string[], lastRevision: bigint): void;
}

export function createCommittedIds(capacity: number): CommittedIds {
  const kept = new Map<string, Committed>();
  return {
    find: (id) => kept.get(id) ?? null,
    note: (stream, ids, lastRevision) => {
      let revision = lastRevision - BigInt(ids.length);
      for (const id of ids) {
        revision += 1n;
        kept.delete(id);
        kept.set(id, { stream, revision });
      }
      for (const id of kept.keys()) {
        if (kept.size <= capacity) break;
        kept.delete(id);
      }
    },
  };
}
