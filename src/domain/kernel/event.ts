import type { z } from 'zod';
import type { Instant } from './units.ts';

/** What happened: a type that is stable for ever and the complete facts. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly data: Data;
}

/** Who asked: a person or service through the API, or Scoria itself on an operation's behalf. */
export interface Actor {
  readonly userId: string;
  readonly projectId: string;
  readonly roles: readonly string[];
  readonly kind: 'user' | 'operation' | 'system';
}

/** Rides beside every event; ids are UUIDs except `correlationId`, which is the request id `req-<uuid>`. */
export interface EventMetadata {
  readonly commandId: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: Actor;
  /** Address of the client, where there was one. */
  readonly origin?: string;
  readonly at: Instant;
  readonly schemaVersion: number;
  readonly traceparent?: string;
  /** Hash of the request that the command came from: the same idempotency key with another request is refused. */
  readonly requestHash?: string;
  /** Only on events that another program appended through EventStoreDB's protocol: no aggregate knows their types. */
  readonly foreign?: ForeignContent;
}

/** What an event of another program was on the wire, so that its readers get the same bytes. */
export interface ForeignContent {
  /** Its content type was application/json. */
  readonly json: boolean;
  /** How its data is kept: the JSON value itself, the text, or base64 of the bytes. */
  readonly data: 'json' | 'text' | 'base64';
  /** Its own metadata, as text or, where it was none, in base64; neither where it had none. */
  readonly metadata?: string;
  readonly metadataBase64?: string;
  /** It deleted its stream for good. */
  readonly tombstone?: true;
}

/** One event type: its current schema version, its shape, and how each older version is lifted to the next. */
export interface EventSchema<Data extends z.ZodType = z.ZodType> {
  readonly version: number;
  readonly data: Data;
  /** `upcast[n]` lifts data of version n to n + 1. */
  readonly upcast?: Readonly<Record<number, (data: unknown) => unknown>>;
}

export type EventSchemas = Readonly<Record<string, EventSchema>>;

/** The union of the events that a set of schemas describes. */
export type EventsOf<S extends EventSchemas> = {
  [Type in keyof S & string]: DomainEvent<Type, z.output<S[Type]['data']>>;
}[keyof S & string];

/** An event this build cannot read: unknown type, or a schema version from a newer build. Old code never guesses. */
export class UnreadableEvent extends Error {
  readonly eventType: string;
  readonly schemaVersion: number;

  constructor(eventType: string, schemaVersion: number, reason: string) {
    super(`event ${eventType} (schema version ${schemaVersion}) cannot be read: ${reason}`);
    this.name = 'UnreadableEvent';
    this.eventType = eventType;
    this.schemaVersion = schemaVersion;
  }
}

/** Reads and writes the events of one aggregate. */
export interface EventCatalogue<E extends DomainEvent = DomainEvent> {
  readonly types: readonly string[];
  /** The schema version that is written for this type. */
  versionOf(type: E['type']): number;
  /** Checks an event before it is appended; throws a ZodError that names the field, which is a programming error. */
  encode(event: E): E;
  /** Lifts stored data to the current version; throws UnreadableEvent for what this build does not know. */
  decode(type: string, schemaVersion: number, data: unknown): E;
}

/** The catalogue of a set of event schemas. */
export function catalogueOf<const S extends EventSchemas>(schemas: S): EventCatalogue<EventsOf<S>> {
  const schemaOf = (type: string, schemaVersion: number): EventSchema => {
    const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
    if (schema === undefined) throw new UnreadableEvent(type, schemaVersion, 'unknown type');
    return schema;
  };
  return {
    types: Object.keys(schemas),
    versionOf: (type) => schemaOf(type, 0).version,
    encode: (event) => {
      const schema = schemaOf(event.type, 0);
      return { type: event.type, data: schema.data.parse(event.data) } as EventsOf<S>;
    },
    decode: (type, schemaVersion, data) => {
      const schema = schemaOf(type, schemaVersion);
      if (schemaVersion > schema.version) {
        throw new UnreadableEvent(type, schemaVersion, `this build reads up to version ${schema.version}`);
      }
      let current = data;
      for (let version = schemaVersion; version < schema.version; version += 1) {
        const lift = schema.upcast?.[version];
        if (lift === undefined) throw new UnreadableEvent(type, schemaVersion, `no upcaster from version ${version}`);
        current = lift(current);
      }
      return { type, data: current } as EventsOf<S>;
    },
  };
}
