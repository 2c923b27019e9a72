import type { RecordedEvent } from '../../src/ports/event-store.ts';
import type { Document } from '../../src/ports/read-store.ts';
import { allProjections } from '../../src/projections/all.ts';
import type { Projection } from '../../src/projections/projection.ts';

/** One read model as the log says it must be. */
export interface ModelFold {
  readonly name: string;
  /** How many documents there are; those of an append-only model that were compared already are only counted. */
  count(): number;
  get(id: string): Document | null;
  /** Ids of documents that changed since `compared` was called. */
  touched(): readonly string[];
  compared(): void;
  apply(event: RecordedEvent): void;
}

function createModelFold(projection: Projection): ModelFold {
  const documents = new Map<string, Document>();
  const touched = new Set<string>();
  let compared = 0;
  const { collection, streams, appendOnly = false } = projection;
  return {
    name: collection.name,
    count: () => compared + documents.size,
    get: (id) => documents.get(id) ?? null,
    touched: () => [...touched],
    compared: () => {
      touched.clear();
      if (!appendOnly) return;
      compared += documents.size;
      documents.clear();
    },
    apply: (event) => {
      if (!streams.prefixes.some((prefix) => event.stream.startsWith(prefix))) return;
      for (const id of projection.idsOf(event)) {
        const document = projection.apply(documents.get(id) ?? null, event, id);
        if (document === null) documents.delete(id);
        else documents.set(id, document);
        touched.add(id);
      }
    },
  };
}

/** A fold of every read model there is. */
export const createModelFolds = (): readonly ModelFold[] => allProjections.map(createModelFold);
