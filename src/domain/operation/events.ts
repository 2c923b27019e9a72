import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';
import { failureReason } from '../volume/events.ts';

const id = z.string().min(1);
const of = z.object({ operationId: id });
const stepOf = of.extend({ step: z.string(), attempt: z.int().min(1) });

const schemas = {
  /** The steps' names and the definition's version: a worker that does not know the version leaves it alone. */
  OperationStarted: {
    version: 1,
    data: of.extend({
      kind: z.string(),
      version: z.int().min(1),
      steps: z.array(z.string()),
      projectId: id,
      resource: z.object({ type: z.enum(['volume', 'snapshot', 'transfer']), id, volumeId: id }),
      /** Data of the event that started it: all that the steps need. */
      input: z.unknown(),
    }),
  },
  /** The world is about to be touched; `input` is everything needed to do it again. */
  StepStarted: { version: 1, data: stepOf.extend({ input: z.unknown() }) },
  StepSucceeded: { version: 1, data: stepOf.extend({ output: z.unknown() }) },
  /** `retryAt`: when it is tried again; null: no further attempt of this step. */
  StepFailed: {
    version: 1,
    data: stepOf.extend({
      reason: failureReason,
      retryable: z.boolean(),
      /** `again`: the same step; `reschedule`: undo back to the retry point; `fail`: undo everything. */
      followUp: z.enum(['again', 'reschedule', 'fail']),
      retryAt: z.number().nullable(),
    }),
  },
  UndoStarted: { version: 1, data: stepOf },
  UndoSucceeded: { version: 1, data: stepOf },
  UndoFailed: { version: 1, data: stepOf.extend({ reason: failureReason, retryAt: z.number().nullable() }) },
  /** What was undone is done over: these steps start again. */
  OperationRescheduled: { version: 1, data: of.extend({ steps: z.array(z.string()) }) },
  /** All that could be undone is; what follows marks the failure. */
  UndoCompleted: { version: 1, data: of },
  /** Another operation owns the resource now: stop and undo. */
  OperationStopRequested: { version: 1, data: of.extend({ by: z.string(), reason: z.string() }) },
  OperationSucceeded: { version: 1, data: of },
  OperationFailed: { version: 1, data: of.extend({ reason: failureReason }) },
  /** Neither forward nor back works: an operator reads the reason and retries or abandons. */
  OperationParked: { version: 1, data: of.extend({ reason: failureReason }) },
  OperationResumed: { version: 1, data: of.extend({ action: z.enum(['retry', 'abandon']) }) },
} as const;

export const operationEvents = catalogueOf(schemas);
export type OperationEvent = EventsOf<typeof schemas>;
