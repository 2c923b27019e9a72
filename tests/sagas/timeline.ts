import { match } from 'ts-pattern';
import type { OperationEvent } from '../../src/domain/operation/index.ts';
import type { RecordedEvent } from '../../src/ports/event-store.ts';

/** An operation's events in a few words each, ids left out: `failed provision (BackendFailed), again`. */
export const timelineOf = (events: readonly RecordedEvent[]): readonly string[] =>
  events.map((event) =>
    match(event as unknown as OperationEvent)
      .with({ type: 'OperationStarted' }, () => 'started')
      .with({ type: 'StepStarted' }, ({ data }) => `begun ${stepOf(data)}`)
      .with({ type: 'StepSucceeded' }, ({ data }) => `done ${stepOf(data)}`)
      .with({ type: 'StepFailed' }, ({ data }) => `failed ${stepOf(data)} (${data.reason.code}), ${data.followUp}`)
      .with({ type: 'UndoStarted' }, ({ data }) => `undoing ${stepOf(data)}`)
      .with({ type: 'UndoSucceeded' }, ({ data }) => `undone ${stepOf(data)}`)
      .with({ type: 'UndoFailed' }, ({ data }) => `not undone ${stepOf(data)} (${data.reason.code})`)
      .with({ type: 'OperationRescheduled' }, () => 'rescheduled')
      .with({ type: 'UndoCompleted' }, () => 'all undone')
      .with({ type: 'OperationStopRequested' }, () => 'told to stop')
      .with({ type: 'OperationSucceeded' }, () => 'succeeded')
      .with({ type: 'OperationFailed' }, ({ data }) => `failed (${data.reason.code})`)
      .with({ type: 'OperationParked' }, ({ data }) => `parked (${data.reason.code})`)
      .with({ type: 'OperationResumed' }, ({ data }) => `resumed to ${data.action}`)
      .exhaustive(),
  );

const stepOf = ({ step }: { readonly step: string }): string => step.split(':', 1)[0] ?? step;
