import { StoreUnavailable } from '../../src/ports/event-store.ts';
import {
  type Change,
  type Checkpoint,
  CheckpointMoved,
  type CollectionSpec,
  type Condition,
  type Document,
  type FindOptions,
  type ReadStore,
  type Scalar,
  type Where,
  type Write,
} from '../../src/ports/read-store.ts';

interface Collection {
  readonly versions: Map<number, Version>;
  live: number;
}

interface Version {
  readonly documents: Map<string, Document>;
  checkpoint: Checkpoint | null;
}

/** `down`: refused before anything happened; `landed`: done, but the writer is not told. */
export type WriteFault = 'down' | 'landed';

/** A read store that forgets everything, counts what is asked of it, and in which tests plant faults. */
export interface MemoryReadStore extends ReadStore {
  readonly writes: Write[];
  readonly reads: { getMany: number };
  /** Faults of the coming writes of a collection, in order. */
  plantFaults(collection: string, ...faults: readonly WriteFault[]): void;
  documents(collection: string, version?: number): ReadonlyMap<string, Document>;
  /** Puts a document in as if it had always been there. */
  tamper(collection: string, document: Document): void;
  moveCheckpoint(collection: string, checkpoint: Checkpoint): void;
}

export function createMemoryReadStore(): MemoryReadStore {
  const collections = new Map<string, Collection>();
  const faults = new Map<string, WriteFault[]>();
  const writes: Write[] = [];
  const reads = { getMany: 0 };

  const versionOf = (name: string, version?: number): Version => {
    const collection = collections.get(name);
    const found = collection?.versions.get(version ?? collection.live);
    if (found === undefined) throw new Error(`there is no collection ${name} version ${version ?? 'live'}`);
    return found;
  };

  const matching = (name: string, where: Where = {}, version?: number): Document[] =>
    [...versionOf(name, version).documents.values()].filter((document) =>
      Object.entries(where).every(([field, condition]) => holds(valueAt(document, field), condition)),
    );

  const apply = (target: Version, change: Change): void => {
    if (change.kind === 'put') target.documents.set(change.document.id, structuredClone(change.document));
    else target.documents.delete(change.id);
  };

  return {
    writes,
    reads,
    plantFaults: (collection, ...planted) => faults.set(collection, [...(faults.get(collection) ?? []), ...planted]),
    documents: (collection, version) => versionOf(collection, version).documents,
    tamper: (collection, document) => versionOf(collection).documents.set(document.id, document),
    moveCheckpoint: (collection, checkpoint) => {
      versionOf(collection).checkpoint = checkpoint;
    },
    ensure: async (spec: CollectionSpec) => {
      const collection = collections.get(spec.name) ?? { versions: new Map<number, Version>(), live: spec.version };
      collections.set(spec.name, collection);
      if (!collection.versions.has(spec.version)) {
        collection.versions.set(spec.version, { documents: new Map(), checkpoint: null });
      }
    },
    get: async (name, id, version) => versionOf(name, version).documents.get(id) ?? null,
    getMany: async (name, ids, version) => {
      reads.getMany += 1;
      const { documents } = versionOf(name, version);
      return ids.flatMap((id) => documents.get(id) ?? []);
    },
    find: async (name, options, version) => page(matching(name, options.where, version), options),
    count: async (name, where, version) => matching(name, where, version).length,
    sum: async (name, field, where, version) =>
      matching(name, where, version).reduce((sum, document) => sum + Number(valueAt(document, field) ?? 0), 0),
    write: async (write) => {
      await Promise.resolve();
      const fault = faults.get(write.projection)?.shift();
      if (fault === 'down') throw new StoreUnavailable('the read store is down', 'not-done');
      const target = versionOf(write.projection, write.version);
      if (target.checkpoint?.position !== write.from?.position)
        throw new CheckpointMoved(write.projection, write.version);
      writes.push(write);
      for (const change of write.changes) apply(target, change);
      target.checkpoint = write.to;
      if (fault === 'landed') throw new StoreUnavailable('no answer came', 'unknown');
    },
    checkpoint: async (name, version) => versionOf(name, version).checkpoint,
    versions: async (name) => {
      const collection = collections.get(name);
      return [...(collection?.versions.keys() ?? [])].map((version) => ({
        version,
        live: version === collection?.live,
      }));
    },
    switchTo: async (name, version) => {
      const collection = collections.get(name);
      if (collection?.versions.has(version) !== true)
        throw new Error(`there is no collection ${name} version ${version}`);
      collection.live = version;
    },
    drop: async (name, version) => {
      collections.get(name)?.versions.delete(version);
    },
    close: async () => {},
  };
}

function valueAt(document: Document, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
}

function holds(value: unknown, condition: Condition): boolean {
  const comparable = value as string | number;
  if (condition.eq !== undefined && (value ?? null) !== condition.eq) return false;
  if (condition.ne !== undefined && (value ?? null) === condition.ne) return false;
  if (condition.in !== undefined && !condition.in.includes((value ?? null) as Scalar)) return false;
  if (condition.lt !== undefined && !(comparable < condition.lt)) return false;
  if (condition.lte !== undefined && !(comparable <= condition.lte)) return false;
  if (condition.gt !== undefined && !(comparable > condition.gt)) return false;
  if (condition.gte !== undefined && !(comparable >= condition.gte)) return false;
  if (condition.contains !== undefined && !String(value ?? '').includes(condition.contains)) return false;
  const pairs = Object.entries(condition.hasPairs ?? {});
  return pairs.every(([key, wanted]) => (value as Record<string, unknown> | undefined)?.[key] === wanted);
}

function page(found: readonly Document[], { sort = [], after, offset = 0, limit }: FindOptions): readonly Document[] {
  const keys = sort.some(({ field }) => field === 'id') ? sort : [...sort, { field: 'id', direction: 'asc' as const }];
  const compare = (left: (field: string) => unknown, right: (field: string) => unknown): number => {
    for (const { field, direction } of keys) {
      const order = compareScalars(left(field), right(field));
      if (order !== 0) return direction === 'asc' ? order : -order;
    }
    return 0;
  };
  const read = (document: Document) => (field: string) => valueAt(document, field);
  const sorted = [...found].sort((left, right) => compare(read(left), read(right)));
  const behind =
    after === undefined ? sorted : sorted.filter((document) => compare(read(document), (field) => after[field]) > 0);
  return behind.slice(offset, limit === undefined ? undefined : offset + limit);
}

function compareScalars(left: unknown, right: unknown): number {
  const a = (left ?? null) as string | number | null;
  const b = (right ?? null) as string | number | null;
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
