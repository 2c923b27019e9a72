import type { Projection } from '../../../src/projections/projection.ts';

/** Counts, so that an event that is folded twice or never shows; every tenth event of a document deletes it. */
export const counting: Projection = {
  collection: { name: 'counts', version: 1, indexes: [{ name: 'count', fields: ['count'] }] },
  streams: { prefixes: ['volume-'] },
  idsOf: (event) => [(event.data as { readonly id: string }).id],
  apply: (document, event, id) => {
    const count = Number(document?.count ?? 0) + 1;
    return count === 10 ? null : { id, count, positions: `${document?.positions ?? ''} ${event.position}` };
  },
};
