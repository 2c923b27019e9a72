import type { Position } from './event-store.ts';

/** Values of a document are JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A document of a collection: `id` is its key. */
export interface Document {
  readonly id: string;
  readonly [field: string]: unknown;
}

export type Scalar = string | number | boolean | null;

/** A small subset of MongoDB's filter language; a dotted path reaches into objects. */
export interface Condition {
  readonly eq?: Scalar;
  readonly ne?: Scalar;
  readonly in?: readonly Scalar[];
  readonly lt?: string | number;
  readonly lte?: string | number;
  readonly gt?: string | number;
  readonly gte?: string | number;
  /** True where the text contains this (SQL `LIKE %x%`). */
  readonly contains?: string;
  /** An object field that has every one of these pairs. */
  readonly hasPairs?: Readonly<Record<string, string>>;
}

/** All conditions must hold. */
export type Where = Readonly<Record<string, Condition>>;

export interface SortKey {
  readonly field: string;
  readonly direction: 'asc' | 'desc';
}

export interface FindOptions {
  readonly where?: Where;
  /** `id` ascending is appended when it is absent, so that the order is total. Null sorts before everything. */
  readonly sort?: readonly SortKey[];
  /** Only documents behind this one in the sort order: its values for every sort key and `id`, null where it has none. */
  readonly after?: Readonly<Record<string, Scalar>>;
  readonly offset?: number;
  readonly limit?: number;
}

/** An index a collection needs: fields in order, dotted paths allowed. */
export interface Index {
  readonly name: string;
  readonly fields: readonly string[];
}

/** A collection as its projection declares it. */
export interface CollectionSpec {
  readonly name: string;
  /** Raised when the shape of the documents changes: a new version is rebuilt beside the old one. */
  readonly version: number;
  readonly indexes: readonly Index[];
  /** The indexes are to be made when it is ensured again without this: filling a collection is faster before. */
  readonly indexesLater?: boolean;
}

export type Change =
  /** `text`: the document as JSON, where whoever puts it has that already; a store that keeps text takes it. */
  | { readonly kind: 'put'; readonly document: Document; readonly position: Position; readonly text?: string }
  | { readonly kind: 'delete'; readonly id: string; readonly position: Position };

/** How far a projection is: the last finished event. The id is verified at start (a restored log has another). */
export interface Checkpoint {
  readonly position: Position;
  readonly eventId: string;
}

export interface Write {
  readonly projection: string;
  readonly version: number;
  readonly from: Checkpoint | null;
  readonly to: Checkpoint;
  readonly changes: readonly Change[];
}

/** Somebody else has moved the checkpoint: stop, another writer owns this projection. */
export class CheckpointMoved extends Error {
  constructor(projection: string, version: number) {
    super(`checkpoint of ${projection} version ${version} was moved by another writer`);
    this.name = 'CheckpointMoved';
  }
}

/** A document with the position of the change that made it what it is; null: it was deleted there. */
export interface PositionedDocument {
  readonly id: string;
  readonly document: Document | null;
  readonly position: Position;
}

/** Documents by collection. Collections hold several versions side by side while one is rebuilt; reads see the live one. */
export interface ReadStore {
  /**
   * True where writes are carried out in the order in which they are asked for: then one may be asked for before the one
   * that it follows is done, and throws CheckpointMoved where that one fails.
   */
  readonly inOrder?: boolean;
  /** Makes the collection version and its indexes where they do not exist; the first version becomes live. */
  ensure(spec: CollectionSpec): Promise<void>;
  /** `version` reads a version that is not live (a rebuild). */
  get(collection: string, id: string, version?: number): Promise<Document | null>;
  /** In the order of `ids`, without those that are not there. */
  getMany(collection: string, ids: readonly string[], version?: number): Promise<readonly Document[]>;
  /**
   * Only in stores that cannot write documents and checkpoint in one step: there, a writer that died may have left
   * documents ahead of the checkpoint, and who goes on must not fold into them what they have already. In any order,
   * deleted ones included, without those that were never there.
   */
  getManyAt?(collection: string, ids: readonly string[], version: number): Promise<readonly PositionedDocument[]>;
  /** Whoever asks for page after page does not keep others from their turn: long pages do not come at once. */
  find(collection: string, options: FindOptions, version?: number): Promise<readonly Document[]>;
  count(collection: string, where?: Where, version?: number): Promise<number>;
  /** Sum of a numeric field over the documents that match. */
  sum(collection: string, field: string, where?: Where, version?: number): Promise<number>;
  /**
   * Documents and checkpoint together; throws CheckpointMoved when the checkpoint is not at `from`. Where they cannot be
   * written together (`getManyAt`), the documents of a writer that dies, or loses to one in another process, may stay:
   * they are what the log says at their positions.
   */
  write(write: Write): Promise<void>;
  checkpoint(collection: string, version: number): Promise<Checkpoint | null>;
  versions(collection: string): Promise<readonly { readonly version: number; readonly live: boolean }[]>;
  /** Makes `version` the live one in one step. */
  switchTo(collection: string, version: number): Promise<void>;
  drop(collection: string, version: number): Promise<void>;
  close(): Promise<void>;
}
