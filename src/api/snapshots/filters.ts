import type { FilterRules } from '../filters.ts';
import type { Microversion } from '../microversion.ts';
import type { SortFields } from '../sorting.ts';

/** Filters of snapshot lists; `allowed` is the original's default resource_filters.json (contract/errors.md §5). */
export const SNAPSHOT_FILTERS: FilterRules = {
  fields: {
    id: { field: 'id', kind: 'text' },
    name: { field: 'name', kind: 'raw' },
    display_name: { field: 'name', kind: 'raw' },
    display_description: { field: 'description', kind: 'text' },
    status: { field: 'status', kind: 'text' },
    volume_id: { field: 'volumeId', kind: 'text' },
    metadata: { field: 'metadata', kind: 'pairs', since: 22 },
    availability_zone: { field: 'availabilityZone', kind: 'text', since: 31 },
    consumes_quota: { field: 'consumesQuota', kind: 'strict-boolean', called: 'use_quota', since: 65 },
    use_quota: { field: 'consumesQuota', kind: 'strict-boolean' },
    volume_size: { field: 'sizeGiB', kind: 'integer' },
    progress: { field: 'progress', kind: 'text' },
    project_id: { field: 'projectId', kind: 'text' },
    user_id: { field: 'userId', kind: 'text' },
    volume_type_id: { field: 'volumeTypeId', kind: 'text' },
    group_snapshot_id: { field: 'groupSnapshotId', kind: 'text' },
    cgsnapshot_id: { field: 'cgsnapshotId', kind: 'nothing' },
    encryption_key_id: { field: 'encryptionKeyId', kind: 'nothing' },
  },
  allowed: new Set(['name', 'status', 'volume_id', 'metadata', 'availability_zone', 'consumes_quota']),
};

const COLUMNS: SortFields = {
  display_name: 'name',
  display_description: 'description',
  status: 'status',
  volume_id: 'volumeId',
  volume_size: 'sizeGiB',
  updated_at: 'updatedAt',
  progress: 'progress',
  project_id: 'projectId',
  user_id: 'userId',
  volume_type_id: 'volumeTypeId',
};

const BY_NAME: SortFields = { ...COLUMNS, name: 'name' };

/** Columns by which snapshots may be sorted; `name` only from 3.30. */
export const snapshotSort = (microversion: Microversion): SortFields => (microversion >= 30 ? BY_NAME : COLUMNS);
