import type { OperationEvent } from '../domain/operation/events.ts';
import type { FailureReason } from '../domain/volume/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import { createListing, type Listing, projectIndexes } from './listing.ts';
import type { Projection, Recorded } from './projection.ts';

export interface TimelineEntry {
  readonly at: number;
  readonly event: string;
  readonly step: string | null;
  readonly attempt: number | null;
  readonly reason: string | null;
}

/** Collection `operations`: one long-running thing and its timeline. */
export interface OperationDocument extends Document {
  readonly id: string;
  readonly kind: string;
  readonly projectId: string;
  readonly userId: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly volumeId: string;
  readonly status: 'running' | 'undoing' | 'parked' | 'succeeded' | 'failed';
  /** The status to go on in once an operator resumes it. */
  readonly parkedFrom: 'running' | 'undoing' | null;
  readonly steps: readonly string[];
  /** The step it is at. */
  readonly step: string | null;
  readonly reason: FailureReason | null;
  /** When a failed step is tried again; null while one runs or none waits. */
  readonly retryAt: number | null;
  readonly requestId: string;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Newest last; of a very long one the beginning and the end. */
  readonly timeline: readonly TimelineEntry[];
}

/** Fields that operations are listed by, each served by an index. */
export const OPERATION_FILTER_FIELDS = ['status', 'kind', 'resourceId', 'volumeId', 'requestId'] as const;

export const operationsCollection: CollectionSpec = {
  name: 'operations',
  version: 1,
  indexes: projectIndexes({
    withinProject: ['status', 'kind'],
    // an id picks few: one index serves a project's list and everybody's
    acrossProjects: ['status', 'kind', 'resourceId', 'volumeId', 'requestId'],
  }),
};

const TIMELINE_HEAD = 20;
const TIMELINE_MAX = 200;

export const operationsProjection: Projection<OperationDocument> = {
  collection: operationsCollection,
  streams: { prefixes: ['operation-'] },
  idsOf: (event: Recorded<OperationEvent>) => [event.data.operationId],
  apply: (document: OperationDocument | null, event: Recorded<OperationEvent>) => {
    const before = event.type === 'OperationStarted' ? started(event.data, event) : document;
    if (before === null) return null;
    return { ...changed(before, event), timeline: lengthened(before.timeline, entryOf(event)) };
  },
};

type StartedData = Extract<OperationEvent, { type: 'OperationStarted' }>['data'];

function started(data: StartedData, { metadata }: Recorded<OperationEvent>): OperationDocument {
  return {
    id: data.operationId,
    kind: data.kind,
    projectId: data.projectId,
    userId: metadata.actor.userId,
    resourceType: data.resource.type,
    resourceId: data.resource.id,
    volumeId: data.resource.volumeId,
    status: 'running',
    parkedFrom: null,
    steps: data.steps,
    step: data.steps[0] ?? null,
    reason: null,
    retryAt: null,
    requestId: metadata.correlationId,
    createdAt: metadata.at,
    startedAt: metadata.at,
    endedAt: null,
    timeline: [],
  };
}

function changed(operation: OperationDocument, event: Recorded<OperationEvent>): OperationDocument {
  switch (event.type) {
    case 'StepStarted':
    case 'StepSucceeded':
    case 'UndoStarted':
    case 'UndoSucceeded':
      return { ...operation, step: event.data.step, retryAt: null };
    case 'StepFailed': {
      const { step, reason, followUp, retryAt } = event.data;
      return { ...operation, step, reason, retryAt, status: followUp === 'again' ? operation.status : 'undoing' };
    }
    case 'UndoFailed':
      return { ...operation, step: event.data.step, reason: event.data.reason, retryAt: event.data.retryAt };
    case 'OperationRescheduled':
      return { ...operation, status: 'running', step: event.data.steps[0] ?? operation.step };
    case 'OperationStopRequested':
      return {
        ...operation,
        status: 'undoing',
        parkedFrom: null,
        reason: operation.reason ?? { code: 'Stopped', message: event.data.reason },
      };
    case 'OperationSucceeded':
      return { ...operation, status: 'succeeded', step: null, reason: null, retryAt: null, endedAt: event.metadata.at };
    case 'OperationFailed': {
      const { reason } = event.data;
      return { ...operation, status: 'failed', step: null, reason, retryAt: null, endedAt: event.metadata.at };
    }
    case 'OperationParked': {
      const parkedFrom = operation.status === 'undoing' ? 'undoing' : 'running';
      return { ...operation, status: 'parked', parkedFrom, reason: event.data.reason, retryAt: null };
    }
    case 'OperationResumed': {
      const status = event.data.action === 'abandon' ? 'undoing' : (operation.parkedFrom ?? 'running');
      return { ...operation, status, parkedFrom: null };
    }
    default:
      return operation;
  }
}

function entryOf({ type, data, metadata }: Recorded<OperationEvent>): TimelineEntry {
  const reason = 'reason' in data ? data.reason : null;
  return {
    at: metadata.at,
    event: type,
    step: 'step' in data ? data.step : null,
    attempt: 'attempt' in data ? data.attempt : null,
    reason: reason === null || typeof reason === 'string' ? reason : reason.message,
  };
}

function lengthened(timeline: readonly TimelineEntry[], entry: TimelineEntry): readonly TimelineEntry[] {
  if (timeline.length < TIMELINE_MAX) return [...timeline, entry];
  return [...timeline.slice(0, TIMELINE_HEAD), ...timeline.slice(TIMELINE_HEAD + 1), entry];
}

export type OperationQueries = Listing<OperationDocument>;

export const createOperationQueries = (readStore: ReadStore): OperationQueries =>
  createListing<OperationDocument>(readStore, operationsCollection);
