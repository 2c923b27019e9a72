import { z } from 'zod';
import type { Document, SortKey } from '../ports/read-store.ts';
import type { ListOptions } from '../projections/listing.ts';
import type { Caller } from './auth.ts';
import type { Call } from './call.ts';
import { notFound } from './faults.ts';
import { type FilterRules, listFiltersOf, type Selection } from './filters.ts';
import type { Link } from './links.ts';
import { nextLinks, PAGE_KEYS, type Page, pageOf, SORT_KEYS } from './pagination.ts';
import { described, type SchemaVersions } from './schema-versions.ts';
import { type SortFields, sortOf } from './sorting.ts';

/** What a list needs of a read model (projections/listing.ts). */
export interface ListSource<D extends Document> {
  get(id: string): Promise<D | null>;
  list(options: ListOptions<D>): Promise<readonly D[]>;
  count(options: Pick<ListOptions<D>, 'projectId' | 'where'>): Promise<number>;
}

interface Common<D extends Document> {
  readonly source: ListSource<D>;
  /** Path of the collection in next links. */
  readonly path: string;
  /** The 404's sentence for a marker that is not there, or that the caller may not see. */
  readonly markerNotFound: (marker: string) => string;
  /** Whether the caller may see a marker's document; by default its own project's, administrators every one. */
  readonly visible?: (document: D) => boolean;
}

export interface ListSpec<D extends Document> extends Common<D> {
  readonly filters: FilterRules;
  readonly sort: SortFields;
}

/** A page whose query was read already. */
export interface PageSpec<D extends Document> extends Common<D> {
  readonly selection: Selection;
  readonly withCount: boolean;
  readonly page: Page;
  readonly sort: readonly SortKey[];
}

export interface Listed<D extends Document> {
  readonly documents: readonly D[];
  readonly next: readonly Link[] | null;
  /** How many match without paging, where `with_count` asked for it. */
  readonly count: number | null;
}

/** One page of a collection as the query asks for it (contract/errors.md §5). Throws 400 and 404. */
export function listOf<D extends Document>(call: Call, { filters, sort, ...common }: ListSpec<D>): Promise<Listed<D>> {
  return listPage(call, { ...common, ...questionOf(call, filters, sort) });
}

/** What a query asks for. */
type Question = Pick<PageSpec<Document>, 'selection' | 'withCount' | 'page' | 'sort'>;

/** Questions that were read lately, by caller, microversion and query: those who poll ask the same again. */
const questions = new WeakMap<Caller, Map<string, Question>>();
const QUESTIONS_OF_A_CALLER = 100;

function questionOf(call: Call, filters: FilterRules, sort: SortFields): Question {
  const { caller, microversion, request, query } = call;
  let known = questions.get(caller);
  if (known === undefined) {
    known = new Map();
    questions.set(caller, known);
  }
  const key = `${microversion} ${request.url}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const page = pageOf(query, call.deps.config.maxLimit);
  const question = { page, sort: sortOf(query, sort), ...listFiltersOf(call, filters) };
  if (known.size >= QUESTIONS_OF_A_CALLER) known.clear();
  known.set(key, question);
  return question;
}

export async function listPage<D extends Document>(call: Call, spec: PageSpec<D>): Promise<Listed<D>> {
  const { source, selection, page, sort } = spec;
  const marker = page.marker === null ? null : await markerOf(call, spec, page.marker);
  const documents = await pageDocuments(source, selection, page, { sort, marker });
  const count = spec.withCount ? await countOf(source, selection) : null;
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

async function markerOf<D extends Document>(call: Call, spec: Common<D>, marker: string): Promise<D> {
  const document = await spec.source.get(marker);
  const { isAdmin, projectId } = call.caller;
  const visible = spec.visible ?? (({ projectId: owner }: D) => isAdmin || owner === projectId);
  if (document === null || !visible(document)) throw notFound(spec.markerNotFound(marker));
  return document;
}

/** The envelope of a list: its items, the next link and the count, each only where there is one. */
export function listBody(
  name: string,
  items: readonly unknown[],
  { next, count }: Pick<Listed<Document>, 'next' | 'count'>,
  linksName = `${name}_links`,
): object {
  return { [name]: items, ...listRest(linksName, { next, count }) };
}

/** What follows the items of a list. */
export const listRest = (
  linksName: string,
  { next, count }: Pick<Listed<Document>, 'next' | 'count'>,
): Readonly<Record<string, unknown>> => ({
  ...(next === null ? {} : { [linksName]: next }),
  ...(count === null ? {} : { count }),
});

/** The query of a list as the API's description shows it; values are checked where they are used. */
export const listQuery = (
  filters: FilterRules,
  more: readonly string[] = [],
): SchemaVersions<Record<string, unknown>> =>
  described(() => {
    const keys = [...PAGE_KEYS, ...SORT_KEYS, 'all_tenants', ...filters.allowed, ...more];
    return z.looseObject(Object.fromEntries(keys.map((key) => [key, z.string().optional()])));
  });
