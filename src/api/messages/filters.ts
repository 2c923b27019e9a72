import type { FilterRules } from '../filters.ts';
import type { SortFields } from '../sorting.ts';

/** Filters of the message list; `allowed` is the original's default resource_filters.json (contract/errors.md §5). */
export const MESSAGE_FILTERS: FilterRules = {
  fields: {
    id: { field: 'id', kind: 'raw' },
    resource_uuid: { field: 'resourceUuid', kind: 'raw' },
    resource_type: { field: 'resourceType', kind: 'raw' },
    event_id: { field: 'eventId', kind: 'raw' },
    request_id: { field: 'requestId', kind: 'raw' },
    message_level: { field: 'messageLevel', kind: 'raw' },
    project_id: { field: 'projectId', kind: 'raw' },
  },
  allowed: new Set(['resource_uuid', 'resource_type', 'event_id', 'request_id', 'message_level']),
};

export const MESSAGE_SORT: SortFields = {
  resource_uuid: 'resourceUuid',
  resource_type: 'resourceType',
  event_id: 'eventId',
  request_id: 'requestId',
  message_level: 'messageLevel',
  expires_at: 'guaranteedUntil',
  project_id: 'projectId',
};
