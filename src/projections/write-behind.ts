import { type Change, type Checkpoint, CheckpointMoved, type Document, type ReadStore } from '../ports/read-store.ts';
import { type Patience, patiently } from './patience.ts';

/** Documents by id; null: known not to be there. */
export type Documents = ReadonlyMap<string, Document | null>;

/** The writes of one collection version, in their order: several may be under way while the next is being made. */
export interface WriteBehind {
  /** How far the collection is according to the read store. */
  readonly saved: Checkpoint | null;
  /** Begins to write what brings the collection to `to`; `documents` are known here until that is done. */
  push(to: Checkpoint, changes: readonly Change[], documents: Documents): void;
  /** A document that is being written; undefined: it is not known here. */
  documentOf(id: string): Document | null | undefined;
  /** Resolves once no more than so many writes are under way; throws what one of them met. */
  settle(left?: number): Promise<void>;
}

export interface WriteBehindOptions {
  readonly readStore: ReadStore;
  readonly collection: string;
  readonly version: number;
  readonly checkpoint: Checkpoint | null;
  readonly patience: Patience;
}

interface Writing {
  readonly to: Checkpoint;
  readonly documents: Documents;
  readonly done: Promise<void>;
}

export function createWriteBehind(options: WriteBehindOptions): WriteBehind {
  const { readStore, collection, version, patience } = options;
  let saved = options.checkpoint;
  /** Oldest first. */
  let underWay: readonly Writing[] = [];

  const writeFrom = (from: Checkpoint | null, to: Checkpoint, changes: readonly Change[]): Promise<void> =>
    readStore.write({ projection: collection, version, from, to, changes });

  /** `again`: it was tried before, with an outcome that is not known. */
  const write = async (to: Checkpoint, changes: readonly Change[], again: boolean): Promise<void> => {
    await patiently(patience, async (attempt) => {
      try {
        await writeFrom(saved, to, changes);
      } catch (error) {
        const mayBeDone = error instanceof CheckpointMoved && (again || attempt > 1);
        if (!mayBeDone || !(await hasReached(to))) throw error;
      }
    });
    saved = to;
  };

  /** Whether this write, or one that follows it, was done though its answer said otherwise, or there was none. */
  const hasReached = async (to: Checkpoint): Promise<boolean> => {
    const at = await readStore.checkpoint(collection, version);
    if (at === null || at.position < to.position) return false;
    return underWay.some(({ to: { position, eventId } }) => position === at.position && eventId === at.eventId);
  };

  /** Asked for before the one that it follows is done: the store is not to wait for us between the two. */
  const writeAtOnce = async (
    before: Writing | undefined,
    to: Checkpoint,
    changes: readonly Change[],
  ): Promise<void> => {
    try {
      await writeFrom(before?.to ?? saved, to, changes);
      saved = to;
    } catch {
      // it could not be while the one before was not
      await before?.done;
      await write(to, changes, true);
    }
  };

  const writeInTurn = async (
    before: Writing | undefined,
    to: Checkpoint,
    changes: readonly Change[],
  ): Promise<void> => {
    await before?.done;
    await write(to, changes, false);
  };

  return {
    get saved() {
      return saved;
    },
    push: (to, changes, documents) => {
      const before = underWay.at(-1);
      const done = (readStore.inOrder === true ? writeAtOnce : writeInTurn)(before, to, changes);
      // whoever settles next meets the error
      done.catch(() => undefined);
      underWay = [...underWay, { to, documents, done }];
    },
    documentOf: (id) => underWay.findLast(({ documents }) => documents.has(id))?.documents.get(id),
    settle: async (left = 0) => {
      while (underWay.length > left) {
        await underWay[0]?.done;
        underWay = underWay.slice(1);
      }
    },
  };
}
