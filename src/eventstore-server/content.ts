import { z } from 'zod';
import type { Actor, EventMetadata, ForeignContent } from '../domain/kernel/event.ts';
import type { Instant } from '../domain/kernel/units.ts';
import type { EventToAppend, RecordedEvent } from '../ports/event-store.ts';

/** An event as a client of the protocol hands it over. */
export interface ProposedEvent {
  /** UUID in lower case. */
  readonly id: string;
  readonly type: string;
  /** Its content type is application/json. */
  readonly json: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** Who appends: goes into the metadata of foreign events. */
export interface Writer {
  readonly userId: string;
  readonly origin: string | null;
  readonly at: Instant;
}

/** What the wire carries of an event, byte for byte as it was appended. */
export interface WireContent {
  readonly json: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

/** Metadata of Scoria's own; a claim to be foreign is not taken from a client. */
const scoriaMetadata = z.looseObject({
  commandId: z.string(),
  correlationId: z.string(),
  causationId: z.string(),
  actor: z.looseObject({
    userId: z.string(),
    projectId: z.string(),
    roles: z.array(z.string()),
    kind: z.enum(['user', 'operation', 'system']),
  }),
  origin: z.string().optional(),
  at: z.number(),
  schemaVersion: z.int(),
  traceparent: z.string().optional(),
  requestHash: z.string().optional(),
  foreign: z.undefined().optional(),
});

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NOTHING = new Uint8Array(0);

/**
 * How an event of another program is kept. Where data and metadata are Scoria's own (JSON that comes out again byte for
 * byte, metadata of its shape) it is stored as Scoria stores its events; else the bytes are wrapped so that none is lost.
 */
export function toAppend(event: ProposedEvent, writer: Writer): EventToAppend {
  const { id, type } = event;
  const dataText = textOf(event.data);
  const dataJson = event.json && dataText !== null ? exactJson(dataText) : null;
  const metadataText = event.metadata.length === 0 ? '' : textOf(event.metadata);
  if (dataJson !== null && metadataText !== null) {
    const own = scoriaMetadataOf(metadataText);
    if (own !== null) return { id, type, data: dataJson.value, metadata: own };
  }
  const kept = keptData(dataJson, dataText, event.data);
  const foreign: ForeignContent = {
    json: event.json,
    data: kept.form,
    ...(metadataText === null ? { metadataBase64: base64Of(event.metadata) } : {}),
    ...(metadataText === null || metadataText === '' ? {} : { metadata: metadataText }),
  };
  return { id, type, data: kept.data, metadata: foreignMetadata(id, foreign, writer) };
}

function keptData(
  json: { readonly value: unknown } | null,
  text: string | null,
  bytes: Uint8Array,
): { readonly form: ForeignContent['data']; readonly data: unknown } {
  if (json !== null) return { form: 'json', data: json.value };
  return text === null ? { form: 'base64', data: base64Of(bytes) } : { form: 'text', data: text };
}

/** The event that ends a stream for good; readers see it without data. */
export const tombstoneToAppend = (id: string, writer: Writer): EventToAppend => ({
  id,
  type: '$streamDeleted',
  data: '',
  metadata: foreignMetadata(id, { json: false, data: 'text', tombstone: true }, writer),
});

function foreignMetadata(id: string, foreign: ForeignContent, { userId, origin, at }: Writer): EventMetadata {
  const actor: Actor = { userId, projectId: '', roles: [], kind: 'user' };
  const ids = { commandId: id, correlationId: `req-${id}`, causationId: id };
  return { ...ids, actor, ...(origin === null ? {} : { origin }), at, schemaVersion: 1, foreign };
}

/** True where the event is kept as Scoria's own are. */
export const isScorias = (event: EventToAppend): boolean => event.metadata.foreign === undefined;

export const isTombstone = (event: RecordedEvent): boolean => event.metadata.foreign?.tombstone === true;

/** The bytes a reader gets. */
export function wireContentOf({ data, metadata }: EventToAppend): WireContent {
  const { foreign } = metadata;
  if (foreign === undefined) {
    return {
      json: true,
      data: Buffer.from(JSON.stringify(data) ?? ''),
      metadata: Buffer.from(JSON.stringify(metadata)),
    };
  }
  return { json: foreign.json, data: dataBytes(foreign, data), metadata: metadataBytes(foreign) };
}

function dataBytes(foreign: ForeignContent, data: unknown): Uint8Array {
  if (foreign.data === 'json') return Buffer.from(JSON.stringify(data));
  return Buffer.from(String(data), foreign.data === 'base64' ? 'base64' : 'utf8');
}

function metadataBytes({ metadata, metadataBase64 }: ForeignContent): Uint8Array {
  if (metadata !== undefined) return Buffer.from(metadata, 'utf8');
  return metadataBase64 === undefined ? NOTHING : Buffer.from(metadataBase64, 'base64');
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** The value of a JSON text that comes out of it again character by character; null for any other text. */
function exactJson(text: string): { readonly value: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === text ? { value } : null;
  } catch {
    return null;
  }
}

function scoriaMetadataOf(text: string): EventMetadata | null {
  // Most foreign metadata is told by this, without parsing it.
  if (!text.includes('"commandId"')) return null;
  const json = exactJson(text);
  return json !== null && scoriaMetadata.safeParse(json.value).success ? (json.value as EventMetadata) : null;
}
