import type { SQLInputValue } from 'node:sqlite';
import type { CollectionSpec, Document, Index } from '../../ports/read-store.ts';
import type { StoreLayout } from './store-file.ts';
import type { Statement } from './writer-protocol.ts';

export const READ_STORE_LAYOUT: StoreLayout = {
  kind: 'read store',
  applicationId: 'ScRd',
  schemaVersion: 2,
  schema: `
    CREATE TABLE collections (
      name TEXT NOT NULL, version INTEGER NOT NULL, live INTEGER NOT NULL, PRIMARY KEY (name, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE checkpoints (
      collection TEXT NOT NULL, version INTEGER NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL,
      PRIMARY KEY (collection, version)
    ) STRICT, WITHOUT ROWID`,
};

const COLLECTION_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
/** A dotted path; every part becomes a quoted label of a JSON path inside an SQL literal. */
const FIELD_PATH = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** The table of a collection version, quoted. Throws RangeError for what is no collection name. */
export function tableOf(collection: string, version: number): string {
  if (!COLLECTION_NAME.test(collection) || !Number.isSafeInteger(version)) {
    throw new RangeError(`not a collection version: ${JSON.stringify(collection)} ${version}`);
  }
  return `"${collection}@${version}"`;
}

/** A document is there; its negation is a tombstone. Written like this it makes the partial indexes usable. */
export const IS_LIVE = 'deleted_at IS NULL';

export function jsonPathOf(field: string): string {
  if (!FIELD_PATH.test(field)) throw new RangeError(`not a field: ${JSON.stringify(field)}`);
  return `$${field
    .split('.')
    .map((part) => `."${part}"`)
    .join('')}`;
}

/** The fields of a collection that its table has a column for: those of its indexes. */
export const fieldsOf = (spec: CollectionSpec): readonly string[] => [
  ...new Set(spec.indexes.flatMap(({ fields }) => fields).filter((field) => field !== 'id')),
];

const COLUMN_PREFIX = 'field ';

/** The column of a field, quoted. */
export function columnOf(field: string): string {
  jsonPathOf(field);
  return `"${COLUMN_PREFIX}${field}"`;
}

/** The fields that these columns are for. */
export const fieldsOfColumns = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.filter((name) => name.startsWith(COLUMN_PREFIX)).map((name) => name.slice(COLUMN_PREFIX.length)));

/** What the column of a field holds: what `json_extract` would give. */
export function columnValue(document: Document, field: string): SQLInputValue {
  let value: unknown = document;
  for (const part of field.split('.')) {
    const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, part);
    value = isObject ? (value as Readonly<Record<string, unknown>>)[part] : null;
  }
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The value of a field in SQL, given the fields that have a column. */
export const fieldValue = (field: string, columns: ReadonlySet<string>): string => {
  if (field === 'id') return 'id';
  return columns.has(field) ? columnOf(field) : `json_extract(document, '${jsonPathOf(field)}')`;
};

const indexName = (spec: CollectionSpec, index: Index): string =>
  `"${spec.name}@${spec.version} ${index.fields.join(', ')}"`;

/** Makes a collection version; the first version of a collection becomes the live one. */
export function statementsToEnsure(spec: CollectionSpec): readonly Statement[] {
  const table = tableOf(spec.name, spec.version);
  const columns = fieldsOf(spec)
    .map((field) => `, ${columnOf(field)} ANY`)
    .join('');
  return [
    {
      sql: `CREATE TABLE IF NOT EXISTS ${table} (
        id TEXT NOT NULL PRIMARY KEY, document TEXT, position INTEGER NOT NULL, deleted_at INTEGER${columns}
      ) STRICT`,
      rows: [[]],
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS "${spec.name}@${spec.version} tombstones" ON ${table} (deleted_at)
        WHERE deleted_at IS NOT NULL`,
      rows: [[]],
    },
    {
      sql: `INSERT INTO collections (name, version, live)
        VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM collections WHERE name = ?1)) ON CONFLICT DO NOTHING`,
      rows: [[spec.name, spec.version]],
    },
  ];
}

/** Adds columns to a table that was made without them, when its collection had other indexes. */
export const statementsToAddColumns = (table: string, fields: readonly string[]): readonly Statement[] =>
  fields.flatMap((field) => [
    { sql: `ALTER TABLE ${table} ADD COLUMN ${columnOf(field)} ANY`, rows: [[]] },
    { sql: `UPDATE ${table} SET ${columnOf(field)} = ${fieldValue(field, new Set())}`, rows: [[]] },
  ]);

/** Makes its indexes. Each ends in `id`, so that it yields a total order. */
export function indexStatements(spec: CollectionSpec): readonly Statement[] {
  const table = tableOf(spec.name, spec.version);
  const columns = new Set(fieldsOf(spec));
  return spec.indexes.map((index) => {
    const fields = index.fields.includes('id') ? index.fields : [...index.fields, 'id'];
    const values = fields.map((field) => fieldValue(field, columns)).join(', ');
    return {
      sql: `CREATE INDEX IF NOT EXISTS ${indexName(spec, index)} ON ${table} (${values}) WHERE ${IS_LIVE}`,
      rows: [[]],
    };
  });
}

export function statementsToDrop(collection: string, version: number): readonly Statement[] {
  return [
    { sql: `DROP TABLE IF EXISTS ${tableOf(collection, version)}`, rows: [[]] },
    { sql: 'DELETE FROM collections WHERE name = ? AND version = ?', rows: [[collection, version]] },
    { sql: 'DELETE FROM checkpoints WHERE collection = ? AND version = ?', rows: [[collection, version]] },
  ];
}
