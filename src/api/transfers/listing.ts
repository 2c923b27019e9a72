import type { SortKey } from '../../ports/read-store.ts';
import type { TransferDocument } from '../../projections/transfers.ts';
import { booleanParam } from '../booleans.ts';
import type { Call } from '../call.ts';
import { type FilterRules, selectionOf } from '../filters.ts';
import { type Listed, listPage } from '../list.ts';
import { PAGE_KEYS, pageOf, SORT_KEYS } from '../pagination.ts';
import { type SortFields, sortOf } from '../sorting.ts';

const PAGED = 59;

/** Any query key is a column filter here; one that is no column empties the list (contract/errors.md §5). */
const TRANSFER_FILTERS: FilterRules = {
  fields: {
    id: { field: 'id', kind: 'raw' },
    name: { field: 'name', kind: 'raw' },
    display_name: { field: 'name', kind: 'raw' },
    volume_id: { field: 'volumeId', kind: 'raw' },
    source_project_id: { field: 'projectId', kind: 'raw' },
  },
  allowed: new Set(['name']),
};

const TRANSFER_SORT: SortFields = { display_name: 'name', volume_id: 'volumeId', source_project_id: 'projectId' };

const OLDEST_FIRST: readonly SortKey[] = [
  { field: 'createdAt', direction: 'asc' },
  { field: 'id', direction: 'asc' },
];

export const transferNotFound = (id: string): string => `Transfer ${id} could not be found.`;

/**
 * Transfers are paged and sorted from 3.59 at `volume-transfers`; elsewhere those keys are column filters. Next links
 * lead to the old name, as in the original; there a request with a marker is one that follows such a link.
 */
export function listTransfers(call: Call, generation: 'current' | 'old'): Promise<Listed<TransferDocument>> {
  const paged = call.microversion >= PAGED && (generation === 'current' || call.query.marker !== undefined);
  const remaining = new Map(Object.entries(call.query));
  const everywhere = call.caller.isAdmin && booleanParam(call.query, 'all_tenants');
  remaining.delete('all_tenants');
  if (paged) for (const key of [...PAGE_KEYS, ...SORT_KEYS]) remaining.delete(key);
  const query = paged ? call.query : {};
  return listPage(call, {
    source: call.deps.queries.transfers,
    selection: selectionOf(call, TRANSFER_FILTERS, remaining, everywhere ? null : call.caller.projectId),
    withCount: false,
    page: pageOf(query, call.deps.config.maxLimit),
    sort: paged ? sortOf(query, TRANSFER_SORT) : OLDEST_FIRST,
    path: '/os-volume-transfer',
    markerNotFound: transferNotFound,
  });
}
