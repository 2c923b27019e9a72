import type { LastRebuild, ReadModelStatus } from '../../projections/read-models.ts';
import type { RebuildProgress } from '../../projections/rebuild.ts';
import { apiTime } from '../times.ts';

/** Positions are texts: they may be larger than what JSON readers keep exactly. */

/** A read model as the list shows it. */
export const projectionView = (status: ReadModelStatus): object => ({
  name: status.name,
  version: status.version,
  position: status.position === null ? null : String(status.position),
  lag: status.lag,
  stale_count: status.staleCount,
  stopped: status.stopped,
  rebuild: status.rebuild === null ? null : progressView(status.rebuild),
  last_rebuild: status.lastRebuild === null ? null : lastRebuildView(status.lastRebuild),
});

/** One read model, with the documents that stay as they were (some, where they are many and another process tells). */
export const projectionDetailView = (status: ReadModelStatus): object => ({
  ...projectionView(status),
  stale_documents: status.stale.map(({ documentId, position, eventId, eventType, reason }) => ({
    id: documentId,
    position,
    event_id: eventId,
    event_type: eventType,
    reason,
  })),
});

const progressView = ({ names, events, position, target }: RebuildProgress): object => ({
  names,
  events,
  position: String(position),
  target: String(target),
});

function lastRebuildView({ startedAt, endedAt, result, failure }: LastRebuild): object {
  const times = { started_at: apiTime(startedAt), ended_at: apiTime(endedAt) };
  if (result === null)
    return { ...times, outcome: 'failed', version: null, events: null, reason: failure, comparison: null };
  const { outcome, version, events, reason, comparison } = result;
  return { ...times, outcome, version, events, reason, comparison };
}
