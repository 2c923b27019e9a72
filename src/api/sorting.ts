import type { SortKey } from '../ports/read-store.ts';
import { badRequest } from './faults.ts';

/** What a list can be sorted by: the API's key and the documents' field. `created_at` and `id` are always there. */
export type SortFields = Readonly<Record<string, string>>;

const MIXED = "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter.";
const DIRECTION = "Invalid input received: Unknown sort direction, must be 'desc' or 'asc'.";
const KEY = 'Invalid input received: Invalid sort key';
const ALWAYS: SortFields = { created_at: 'createdAt', id: 'id' };

interface Wanted {
  readonly key: string;
  readonly direction: string;
}

/** Sort keys as a query names them: `sort=key[:dir],...`, or the old `sort_key` and `sort_dir` (contract/errors.md §5). */
function wantedOf(query: Readonly<Record<string, string>>): readonly Wanted[] {
  const { sort, sort_key: key, sort_dir: direction } = query;
  if (sort === undefined) return [{ key: (key ?? 'created_at').trim(), direction: (direction ?? 'desc').trim() }];
  if (key !== undefined || direction !== undefined) throw badRequest(MIXED);
  return sort.split(',').map((part) => {
    const [name = '', order = ''] = part.split(':');
    return { key: name.trim(), direction: order.trim() || 'desc' };
  });
}

/** The sort order of a list; `created_at` and `id` are appended with the first direction, so that it is total. */
export function sortOf(query: Readonly<Record<string, string>>, fields: SortFields): readonly SortKey[] {
  const known: SortFields = { ...ALWAYS, ...fields };
  const keys = wantedOf(query).map(({ key, direction }): SortKey => {
    if (direction !== 'asc' && direction !== 'desc') throw badRequest(DIRECTION);
    const field = Object.hasOwn(known, key) ? known[key] : undefined;
    if (field === undefined) throw badRequest(KEY);
    return { field, direction };
  });
  const direction = keys[0]?.direction ?? 'desc';
  const missing = ['createdAt', 'id'].filter((field) => !keys.some((key) => key.field === field));
  const all = [...keys, ...missing.map((field): SortKey => ({ field, direction }))];
  return all.filter((key, index) => all.findIndex(({ field }) => field === key.field) === index);
}
