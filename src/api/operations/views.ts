import type { OperationDocument, TimelineEntry } from '../../projections/operations.ts';
import { type Call, can } from '../call.ts';
import { resourceLinks } from '../links.ts';
import { apiTime, apiTimeOrNull } from '../times.ts';

/** Failures whose sentence speaks of pools and figures only; what a driver says may name things that are no user's business. */
const TOLD_TO_USERS: ReadonlySet<string> = new Set(['NoValidBackend', 'PoolCapacityExceeded']);

/** An operation as the list shows it. */
export const operationView = (call: Call, operation: OperationDocument): object => ({
  id: operation.id,
  kind: operation.kind,
  status: operation.status,
  resource_type: operation.resourceType,
  resource_id: operation.resourceId,
  volume_id: operation.volumeId,
  project_id: operation.projectId,
  user_id: operation.userId,
  request_id: operation.requestId,
  steps: operation.steps,
  step: operation.step,
  reason: reasonView(call, operation),
  retry_at: apiTimeOrNull(operation.retryAt),
  created_at: apiTime(operation.createdAt),
  started_at: apiTime(operation.startedAt),
  ended_at: apiTimeOrNull(operation.endedAt),
  links: resourceLinks(call, 'operations', operation.id),
});

/** One operation with everything that happened to it. */
export function operationDetailView(call: Call, operation: OperationDocument): object {
  const told = maySeeDetails(call, operation);
  const entry = ({ at, event, step, attempt, reason }: TimelineEntry): object => ({
    at: apiTime(at),
    event,
    step,
    attempt,
    reason: told ? reason : null,
  });
  return { ...operationView(call, operation), timeline: operation.timeline.map(entry) };
}

const maySeeDetails = (call: Call, { projectId }: OperationDocument): boolean =>
  can(call, 'operations:get_failure_details', projectId);

function reasonView(call: Call, operation: OperationDocument): object | null {
  const { reason } = operation;
  if (reason === null) return null;
  if (maySeeDetails(call, operation)) return reason;
  return { code: reason.code, message: TOLD_TO_USERS.has(reason.code) ? reason.message : null };
}
