import type { Position, RecordedEvent } from '../ports/event-store.ts';
import type { Change, Document } from '../ports/read-store.ts';
import type { Projection } from './projection.ts';
import type { Poisoned } from './stale-documents.ts';
import type { Documents } from './write-behind.ts';

/** An event and a document that it changes. */
export interface Touch {
  readonly id: string;
  readonly event: RecordedEvent;
}

/** Which documents the events change, in their order; without those that are left alone. */
export function touchesOf(
  projection: Projection,
  events: readonly RecordedEvent[],
  isStale: (id: string) => boolean,
): Touch[] {
  const touches: Touch[] = [];
  for (const event of events) {
    for (const id of projection.idsOf(event)) if (!isStale(id)) touches.push({ id, event });
  }
  return touches;
}

export interface Folded {
  readonly documents: Documents;
  readonly changedAt: ReadonlyMap<string, Position>;
  readonly poisoned: readonly Poisoned[];
}

/** Folds in memory. A document whose fold throws stays as it was before that event, and is left alone from then on. */
export function foldTouches(projection: Projection, before: Documents, touches: readonly Touch[]): Folded {
  const documents = new Map(before);
  const changedAt = new Map<string, Position>();
  const poisoned = new Map<string, Poisoned>();
  for (const { id, event } of touches) {
    if (poisoned.has(id)) continue;
    const document = documents.get(id) ?? null;
    try {
      const after = projection.apply(document, event, id);
      if (after === document) continue;
      documents.set(id, after);
      changedAt.set(id, event.position);
    } catch (error) {
      poisoned.set(id, { id, event, reason: messageOf(error) });
    }
  }
  return { documents, changedAt, poisoned: [...poisoned.values()] };
}

/** Of a projection where every event makes a document of its own: nothing is to be known of any other. */
export function foldAppends(
  projection: Projection,
  touches: readonly Touch[],
): { readonly changes: readonly Change[]; readonly poisoned: readonly Poisoned[] } {
  const changes: Change[] = [];
  const poisoned: Poisoned[] = [];
  for (const { id, event } of touches) {
    try {
      const document = projection.apply(null, event, id);
      if (document === null) continue;
      const text = projection.textOf?.(document, event);
      const { position } = event;
      changes.push(
        text === undefined ? { kind: 'put', document, position } : { kind: 'put', document, position, text },
      );
    } catch (error) {
      poisoned.push({ id, event, reason: messageOf(error) });
    }
  }
  return { changes, poisoned };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What was folded and is yet to be written: each document once, however many events it had. */
export interface Gathered {
  readonly documents: Documents;
  /** Touches that are in it. */
  readonly touches: number;
  /** Events of the log that it reaches over. */
  readonly events: number;
  add(before: Documents, folded: Folded, touches: number): void;
  reachOver(events: number): void;
  changes(): readonly Change[];
}

export function createGathered(): Gathered {
  const before = new Map<string, Document | null>();
  const documents = new Map<string, Document | null>();
  const changedAt = new Map<string, Position>();
  let touches = 0;
  let events = 0;
  return {
    documents,
    get touches() {
      return touches;
    },
    get events() {
      return events;
    },
    add: (seenBefore, folded, count) => {
      for (const [id, document] of seenBefore) if (!before.has(id)) before.set(id, document);
      for (const [id, document] of folded.documents) documents.set(id, document);
      for (const [id, position] of folded.changedAt) changedAt.set(id, position);
      touches += count;
    },
    reachOver: (count) => {
      events += count;
    },
    changes: () => {
      const changes: Change[] = [];
      for (const [id, position] of changedAt) {
        const document = documents.get(id) ?? null;
        if (document !== null) changes.push({ kind: 'put', document, position });
        else if ((before.get(id) ?? null) !== null) changes.push({ kind: 'delete', id, position });
      }
      return changes;
    },
  };
}

export interface DocumentCache {
  /** Undefined: not known; null: known not to be there. */
  get(id: string): Document | null | undefined;
  keep(documents: Documents): void;
}

/** The documents touched last. The fold is the collection's only writer, so what it remembers is what is stored. */
export function createDocumentCache(capacity: number): DocumentCache {
  const kept = new Map<string, Document | null>();
  return {
    get: (id) => kept.get(id),
    keep: (documents) => {
      for (const [id, document] of documents) {
        kept.delete(id);
        kept.set(id, document);
      }
      for (const id of kept.keys()) {
        if (kept.size <= capacity) break;
        kept.delete(id);
      }
    },
  };
}
