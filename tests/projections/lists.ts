import type { CollectionSpec } from '../../src/ports/read-store.ts';
import { MESSAGE_FILTER_FIELDS, messagesCollection } from '../../src/projections/messages.ts';
import { OPERATION_FILTER_FIELDS, operationsCollection } from '../../src/projections/operations.ts';
import { SNAPSHOT_FILTER_FIELDS, snapshotsCollection } from '../../src/projections/snapshots.ts';
import { transfersCollection } from '../../src/projections/transfers.ts';
import { VOLUME_FILTER_FIELDS, volumesCollection } from '../../src/projections/volumes.ts';

/** A list of the API, and what it is asked for: every engine holds its indexes to this. */
export interface Listed {
  readonly collection: CollectionSpec;
  /** What one project's list may be filtered by. */
  readonly withinProject: readonly string[];
  /** What everybody's list is filtered by through an index of its own. */
  readonly acrossProjects: readonly string[];
  readonly ranges: readonly string[];
  readonly sorts: readonly string[];
}

export const lists: readonly Listed[] = [
  {
    collection: volumesCollection,
    withinProject: VOLUME_FILTER_FIELDS,
    acrossProjects: ['status', 'name', 'host', 'migrationStatus', 'updatedAt'],
    ranges: ['createdAt', 'updatedAt'],
    sorts: ['createdAt', ...VOLUME_FILTER_FIELDS],
  },
  {
    collection: snapshotsCollection,
    withinProject: SNAPSHOT_FILTER_FIELDS,
    acrossProjects: ['status', 'name', 'volumeId'],
    ranges: ['createdAt'],
    sorts: ['createdAt', ...SNAPSHOT_FILTER_FIELDS],
  },
  {
    collection: messagesCollection,
    withinProject: MESSAGE_FILTER_FIELDS,
    acrossProjects: [],
    ranges: ['createdAt', 'guaranteedUntil'],
    sorts: ['createdAt', ...MESSAGE_FILTER_FIELDS],
  },
  {
    collection: operationsCollection,
    withinProject: ['status', 'kind'],
    acrossProjects: OPERATION_FILTER_FIELDS,
    ranges: ['createdAt'],
    sorts: ['createdAt', 'status', 'kind'],
  },
  {
    collection: transfersCollection,
    withinProject: ['name', 'volumeId'],
    acrossProjects: [],
    ranges: ['createdAt'],
    sorts: ['createdAt', 'name'],
  },
];
