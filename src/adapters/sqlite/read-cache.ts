import { createRecent, type Recent } from '../../domain/kernel/recent.ts';
import type { Document } from '../../ports/read-store.ts';

/**
 * Documents and short lists that were read lately, as the objects they were parsed into: the same object as long as
 * nothing was written to it, so that what others make of a document can be kept with it. Only the one process that
 * writes the file may keep one; it forgets what it has written, or may have.
 */
export interface ReadCache {
  document(table: string, id: string, read: () => Document | null): Document | null;
  /** `key` says all that the list depends on; `read` is given the documents that are known. */
  list(table: string, key: string, read: (known: KnownDocuments) => readonly Document[]): readonly Document[];
  forget(table: string, ids: Iterable<string>): void;
  forgetAll(): void;
}

export interface KnownDocuments {
  /** The known document of this id, else what `parse` makes. */
  get(id: string, parse: () => Document): Document;
}

/** Of one table: twice as many are kept at most. What was not read again when these are full goes first. */
const DOCUMENTS = 1_000;
const LISTS = 100;
/** Longer lists are read by programs that go through everything, once. */
const LONGEST_LIST = 100;

interface Table {
  readonly documents: Recent<Document>;
  readonly lists: Recent<readonly Document[]>;
}

export function createReadCache(): ReadCache {
  const tables = new Map<string, Table>();

  const tableOf = (name: string): Table => {
    let table = tables.get(name);
    if (table === undefined) {
      table = { documents: createRecent(DOCUMENTS), lists: createRecent(LISTS) };
      tables.set(name, table);
    }
    return table;
  };

  return {
    document: (name, id, read) => {
      const { documents } = tableOf(name);
      const known = documents.get(id);
      if (known !== undefined) return known;
      const document = read();
      if (document !== null) documents.set(id, document);
      return document;
    },
    list: (name, key, read) => {
      const { documents, lists } = tableOf(name);
      const known = lists.get(key);
      if (known !== undefined) return known;
      const found = read({ get: (id, parse) => documents.get(id) ?? parse() });
      if (found.length > LONGEST_LIST) return found;
      for (const document of found) documents.set(document.id, document);
      lists.set(key, found);
      return found;
    },
    forget: (name, ids) => {
      const table = tables.get(name);
      if (table === undefined) return;
      for (const id of ids) table.documents.delete(id);
      table.lists.clear();
    },
    forgetAll: () => tables.clear(),
  };
}
