import type { Call } from './call.ts';
import { badRequest } from './faults.ts';
import { type Link, nextLink } from './links.ts';

/** Which part of a list is asked for. `limit` is what applies, never above the configured maximum. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
  readonly marker: string | null;
}

const INTEGER = /^[+-]?\d+$/;
const MAX_OFFSET = 2_147_483_647;

/** Keys of a query that choose the page. */
export const PAGE_KEYS = ['limit', 'offset', 'marker'] as const;
export const SORT_KEYS = ['sort', 'sort_key', 'sort_dir'] as const;

/** The page that a query asks for; throws the 400 of a bad `limit` or `offset` (contract/errors.md §5). */
export function pageOf(query: Readonly<Record<string, string>>, maxLimit: number): Page {
  const limit = query.limit === undefined ? maxLimit : integerParam(query.limit, 'limit');
  const offset = query.offset === undefined ? 0 : integerParam(query.offset, 'offset');
  if (offset > MAX_OFFSET) throw badRequest(`offset must be <= ${MAX_OFFSET}`);
  return { limit: Math.min(limit, maxLimit), offset, marker: query.marker ?? null };
}

function integerParam(text: string, name: string): number {
  const trimmed = text.trim();
  if (!INTEGER.test(trimmed)) throw badRequest(`${name} param must be an integer`);
  const value = Number(trimmed);
  if (value < 0) throw badRequest(name === 'limit' ? 'limit param must be positive' : 'offset must be >= 0');
  return value;
}

/** Links to the page behind this one: where the page is full, even if it happens to be the last. */
export function nextLinks(call: Call, path: string, page: Page, ids: readonly string[]): readonly Link[] | null {
  const last = ids.at(-1);
  return last === undefined || ids.length < page.limit ? null : [nextLink(call, path, last)];
}
