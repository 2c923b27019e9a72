import { z } from 'zod';
import type { Document } from '../ports/read-store.ts';
import type { ListOptions } from '../projections/listing.ts';
import type { Call } from './call.ts';
import { notFound } from './faults.ts';
import { type FilterRules, listFiltersOf, type Selection } from './filters.ts';
import type { Link } from './links.ts';
import { nextLinks, PAGE_KEYS, type Page, pageOf, SORT_KEYS } from './pagination.ts';
import { always, type SchemaVersions } from './schema-versions.ts';
import { type SortFields, sortOf } from './sorting.ts';

/** What a list needs of a read model (projections/listing.ts). */
export interface ListSource<D extends Document> {
  get(id: string): Promise<D | null>;
  list(options: ListOptions<D>): Promise<readonly D[]>;
  count(options: Pick<ListOptions<D>, 'projectId' | 'where'>): Promise<number>;
}

export interface ListSpec<D extends Document> {
  readonly source: ListSource<D>;
  readonly filters: FilterRules;
  readonly sort: SortFields;
  /** Path of the collection in next links. */
  readonly path: string;
  /** The 404's sentence for a marker that is not there, or that the caller may not see. */
  readonly markerNotFound: (marker: string) => string;
}

export interface Listed<D extends Document> {
  readonly documents: readonly D[];
  readonly next: readonly Link[] | null;
  /** How many match without paging, where `with_count` asked for it. */
  readonly count: number | null;
}

/** One page of a collection as the query asks for it (contract/errors.md §5). Throws 400 and 404. */
export async function listOf<D extends Document>(call: Call, spec: ListSpec<D>): Promise<Listed<D>> {
  const page = pageOf(call.query, call.deps.config.maxLimit);
  const sort = sortOf(call.query, spec.sort);
  const { selection, withCount } = listFiltersOf(call, spec.filters);
  const marker = page.marker === null ? null : await markerOf(call, spec, page.marker);
  const documents = await pageDocuments(spec.source, selection, page, { sort, marker });
  const count = withCount ? await countOf(spec.source, selection) : null;
  const ids = documents.map(({ id }) => id);
  return { documents, next: nextLinks(call, spec.path, page, ids), count };
}

async function pageDocuments<D extends Document>(
  source: ListSource<D>,
  selection: Selection,
  { limit, offset }: Page,
  order: Pick<ListOptions<D>, 'sort' | 'marker'>,
): Promise<readonly D[]> {
  if (selection.kind === 'nothing' || limit === 0) return [];
  const { projectId, where } = selection;
  return source.list({ projectId, where, limit, ...order, ...(offset === 0 ? {} : { offset }) });
}

async function countOf<D extends Document>(source: ListSource<D>, selection: Selection): Promise<number> {
  if (selection.kind === 'nothing') return 0;
  return source.count({ projectId: selection.projectId, where: selection.where });
}

async function markerOf<D extends Document>(call: Call, spec: ListSpec<D>, marker: string): Promise<D> {
  const document = await spec.source.get(marker);
  const visible = call.caller.isAdmin || document?.projectId === call.caller.projectId;
  if (document === null || !visible) throw notFound(spec.markerNotFound(marker));
  return document;
}

/** The envelope of a list: its items, the next link and the count, each only where there is one. */
export function listBody(
  name: string,
  items: readonly unknown[],
  { next, count }: Pick<Listed<Document>, 'next' | 'count'>,
  linksName = `${name}_links`,
): object {
  return {
    [name]: items,
    ...(next === null ? {} : { [linksName]: next }),
    ...(count === null ? {} : { count }),
  };
}

/** The query of a list as the API's description shows it; values are checked where they are used. */
export const listQuery = (
  filters: FilterRules,
  more: readonly string[] = [],
): SchemaVersions<Record<string, unknown>> =>
  always(() => {
    const keys = [...PAGE_KEYS, ...SORT_KEYS, 'all_tenants', ...filters.allowed, ...more];
    return z.looseObject(Object.fromEntries(keys.map((key) => [key, z.string().optional()])));
  });
