import { type DomainEvent, type EventCatalogue, UnreadableEvent } from '../domain/kernel/event.ts';
import { messagesEvents } from '../domain/messages/events.ts';
import { operationEvents } from '../domain/operation/events.ts';
import { poolEvents } from '../domain/pool/events.ts';
import { quotaEvents } from '../domain/quota/events.ts';
import { quotaClassesEvents } from '../domain/quota-classes/events.ts';
import { refusalsEvents } from '../domain/refusals/events.ts';
import { serviceEvents } from '../domain/service/events.ts';
import { volumeEvents } from '../domain/volume/events.ts';
import { volumeTypesEvents } from '../domain/volume-types/events.ts';
import type { RecordedEvent } from '../ports/event-store.ts';

type Decoding = Pick<EventCatalogue, 'types' | 'decode'>;

/** Event types are unique over all aggregates: one type belongs to one catalogue. */
const catalogues: readonly Decoding[] = [
  volumeEvents,
  volumeTypesEvents,
  quotaEvents,
  quotaClassesEvents,
  poolEvents,
  serviceEvents,
  operationEvents,
  messagesEvents,
  refusalsEvents,
];

const byType: ReadonlyMap<string, Decoding> = new Map(
  catalogues.flatMap((catalogue) => catalogue.types.map((type): [string, Decoding] => [type, catalogue])),
);

/**
 * Lifts a recorded event of any aggregate to the current schema version; throws UnreadableEvent. Events of other programs
 * belong to no aggregate and stay as they are.
 */
export function decodeRecorded(event: RecordedEvent): RecordedEvent {
  const { schemaVersion, foreign } = event.metadata;
  if (foreign !== undefined) return event;
  const catalogue = byType.get(event.type);
  if (catalogue === undefined) throw new UnreadableEvent(event.type, schemaVersion, 'unknown type');
  const decoded: DomainEvent = catalogue.decode(event.type, schemaVersion, event.data);
  if (decoded.data === event.data) return event;
  const { dataText: _, ...lifted } = event;
  return { ...lifted, data: decoded.data };
}
