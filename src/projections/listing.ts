import type { CollectionSpec, Document, Index, ReadStore, Scalar, SortKey, Where } from '../ports/read-store.ts';

export interface ListOptions<D extends Document> {
  /** null: every project's (administrators with `all_tenants`, and collections that belong to no project). */
  readonly projectId: string | null;
  readonly where?: Where;
  /** The client's keys; `createdAt` and `id` are added in the first key's direction (contract/errors.md §5). */
  readonly sort?: readonly SortKey[];
  /** Last document the client has seen: the page begins behind it. */
  readonly marker?: D | null;
  /** Only where the client sends one: pages go by marker. */
  readonly offset?: number;
  readonly limit?: number;
}

/** Reads one collection. */
export interface Listing<D extends Document> {
  get(id: string): Promise<D | null>;
  list(options: ListOptions<D>): Promise<readonly D[]>;
  /** How many match, paging aside. */
  count(options: Pick<ListOptions<D>, 'projectId' | 'where'>): Promise<number>;
  /** Name of the declared index that serves such a list; null where none does and documents are looked through. */
  indexOf(options: Pick<ListOptions<D>, 'projectId' | 'where' | 'sort'>): string | null;
}

const NEWEST_FIRST: SortKey = { field: 'createdAt', direction: 'desc' };

/**
 * The indexes of a collection whose documents belong to projects. Each ends in `createdAt, id`, so that one index
 * answers a filter in the default order and the order by its field, both from either end.
 */
export function projectIndexes(options: {
  readonly withinProject: readonly string[];
  readonly acrossProjects: readonly string[];
}): readonly Index[] {
  return [
    { name: 'project', fields: ['projectId', 'createdAt', 'id'] },
    { name: 'all', fields: ['createdAt', 'id'] },
    ...options.withinProject.map((field) => ({
      name: `project_${field}`,
      fields: ['projectId', field, 'createdAt', 'id'],
    })),
    ...options.acrossProjects.map((field) => ({ name: `all_${field}`, fields: [field, 'createdAt', 'id'] })),
  ];
}

export function createListing<D extends Document>(readStore: ReadStore, collection: CollectionSpec): Listing<D> {
  const { name } = collection;
  return {
    get: async (id) => (await readStore.get(name, id)) as D | null,
    list: async ({ projectId, where, sort, marker, offset, limit }) => {
      const order = completeSort(sort);
      const found = await readStore.find(name, {
        where: scoped(projectId, where),
        sort: order,
        ...(marker === undefined || marker === null ? {} : { after: keyOf(marker, order) }),
        ...(offset === undefined ? {} : { offset }),
        ...(limit === undefined ? {} : { limit }),
      });
      return found as readonly D[];
    },
    count: ({ projectId, where }) => readStore.count(name, scoped(projectId, where)),
    indexOf: ({ projectId, where, sort }) =>
      servingIndex(collection.indexes, scoped(projectId, where), completeSort(sort))?.name ?? null,
  };
}

/** The client's sort keys made into a total order. */
export function completeSort(sort: readonly SortKey[] = []): readonly SortKey[] {
  const first = sort[0] ?? NEWEST_FIRST;
  const keys = sort.length === 0 ? [first] : [...sort];
  for (const field of ['createdAt', 'id']) {
    if (!keys.some((key) => key.field === field)) keys.push({ field, direction: first.direction });
  }
  return keys;
}

function scoped(projectId: string | null, where: Where = {}): Where {
  return projectId === null ? where : { ...where, projectId: { eq: projectId } };
}

function keyOf(document: Document, sort: readonly SortKey[]): Readonly<Record<string, Scalar>> {
  return Object.fromEntries(sort.map(({ field }) => [field, scalarAt(document, field)]));
}

/** The value at a dotted path; anything that is not a scalar counts as null. */
function scalarAt(document: Document, path: string): Scalar {
  let value: unknown = document;
  for (const part of path.split('.')) {
    value =
      typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[part] : undefined;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

/**
 * The index that answers a list with the least reading: it begins with fields that must equal a value (the more the
 * better) and goes on with the order, or with the field of a range.
 */
function servingIndex(indexes: readonly Index[], where: Where, sort: readonly SortKey[]): Index | null {
  const equal = new Set(
    Object.entries(where).flatMap(([field, condition]) => (condition.eq === undefined ? [] : [field])),
  );
  const filtered = Object.keys(where);
  let best: Index | null = null;
  let bestScore = 0;
  for (const index of indexes) {
    const led = leadingCount(index.fields, (field) => equal.has(field));
    const rest = index.fields.slice(led);
    const ordered = isOrdered(
      rest,
      sort.filter(({ field }) => !equal.has(field)),
    );
    const ranged = rest[0] !== undefined && !equal.has(rest[0]) && filtered.includes(rest[0]);
    if (led === 0 && !ordered && !ranged) continue;
    const score = led * 4 + (ordered ? 2 : 0) + (ranged ? 1 : 0);
    if (score > bestScore) [best, bestScore] = [index, score];
  }
  return best;
}

function leadingCount(fields: readonly string[], holds: (field: string) => boolean): number {
  const first = fields.findIndex((field) => !holds(field));
  return first < 0 ? fields.length : first;
}

/** An index read forwards or backwards yields the order when its fields follow the sort keys, all in one direction. */
function isOrdered(fields: readonly string[], sort: readonly SortKey[]): boolean {
  const direction = sort[0]?.direction;
  return sort.every((key, at) => key.direction === direction && fields[at] === key.field);
}
