import type { RecordedEvent } from '../ports/event-store.ts';
import type { CollectionSpec, Document, ReadStore, Where } from '../ports/read-store.ts';
import type { Projection } from './projection.ts';

/** Collection `auditLog`: who did what, when, from where, and why it was refused or failed. */
export interface AuditDocument extends Document {
  /** The event's position, zero-padded: order by id is log order, and a new document always goes to the end. */
  readonly id: string;
  readonly eventId: string;
  readonly at: number;
  readonly type: string;
  readonly stream: string;
  /** Of whoever asked. */
  readonly projectId: string;
  readonly userId: string;
  readonly actorKind: string;
  readonly requestId: string;
  readonly commandId: string;
  readonly causationId: string;
  /** The client's address, where there was one. */
  readonly origin: string | null;
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly reason: string | null;
  /** What happened, without secrets. */
  readonly data: unknown;
}

export const auditLogCollection: CollectionSpec = {
  name: 'auditLog',
  version: 1,
  // one document per event: every index here is paid with each event of the log
  indexes: [{ name: 'project', fields: ['projectId', 'id'] }],
};

const POSITION_DIGITS = 20;

export const auditIdOf = (position: bigint): string => position.toString().padStart(POSITION_DIGITS, '0');

export const auditLogProjection: Projection<AuditDocument> = {
  collection: auditLogCollection,
  streams: { prefixes: [''] },
  appendOnly: true,
  idsOf: (event: RecordedEvent) => [auditIdOf(event.position)],
  apply: (_document: AuditDocument | null, event: RecordedEvent, id: string) => {
    const { actor, at, correlationId, commandId, causationId, origin } = event.metadata;
    const outcome = outcomeOf(event.type);
    return {
      id,
      eventId: event.id,
      at,
      type: event.type,
      stream: event.stream,
      projectId: actor.projectId,
      userId: actor.userId,
      actorKind: actor.kind,
      requestId: correlationId,
      commandId,
      causationId,
      origin: origin ?? null,
      outcome,
      reason: outcome === 'done' ? null : reasonOf(event.data),
      data: dataWithoutSecrets(event),
    };
  },
  textOf: (document: AuditDocument, { data, dataText }: RecordedEvent) => {
    if (dataText === undefined || document.data !== data) return undefined;
    return `${JSON.stringify({ ...document, data: undefined }).slice(0, -1)},"data":${dataText}}`;
  },
};

function outcomeOf(type: string): AuditDocument['outcome'] {
  if (type === 'CommandRefused') return 'refused';
  return type.endsWith('Failed') || type === 'OperationParked' ? 'failed' : 'done';
}

/** A refusal's sentence, or a failure's. */
function reasonOf(data: unknown): string | null {
  // An event of another program may hold anything.
  const { message, reason } = (data ?? {}) as {
    readonly message?: unknown;
    readonly reason?: { readonly message?: unknown };
  };
  if (typeof message === 'string') return message;
  return typeof reason?.message === 'string' ? reason.message : null;
}

const SECRETS: ReadonlySet<string> = new Set(['salt', 'authKeyHash']);
/** As they stand in JSON. */
const SECRET_KEYS = [...SECRETS].map((name) => JSON.stringify(name));

/**
 * The same value where it holds no secret; else a copy without, however deep (an operation's input is an event's data).
 * One is not gone through whose text does not even name a secret.
 */
export function dataWithoutSecrets({ data, dataText }: RecordedEvent): unknown {
  if (typeof data !== 'object' || data === null) return data;
  if (dataText !== undefined && !SECRET_KEYS.some((key) => dataText.includes(key))) return data;
  return holdsSecret(data) ? copyWithoutSecrets(data) : data;
}

/** Most values hold none, and every event is asked: this makes no garbage. */
function holdsSecret(value: object): boolean {
  const isArray = Array.isArray(value);
  for (const key in value) {
    if (!isArray && SECRETS.has(key)) return true;
    const field = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof field === 'object' && field !== null && holdsSecret(field)) return true;
  }
  return false;
}

function copyWithoutSecrets(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyWithoutSecrets);
  const kept = Object.entries(value).filter(([key]) => !SECRETS.has(key));
  return Object.fromEntries(kept.map(([key, field]) => [key, copyWithoutSecrets(field)]));
}

export interface AuditQueries {
  /** In log order; `after` is the id of the last record the reader has seen. */
  list(options: {
    readonly projectId: string | null;
    readonly where?: Where;
    readonly after?: string;
    readonly direction?: 'asc' | 'desc';
    readonly limit?: number;
  }): Promise<readonly AuditDocument[]>;
}

export const createAuditQueries = (readStore: ReadStore): AuditQueries => ({
  list: async ({ projectId, where = {}, after, direction = 'asc', limit }) => {
    const found = await readStore.find(auditLogCollection.name, {
      where: projectId === null ? where : { ...where, projectId: { eq: projectId } },
      sort: [{ field: 'id', direction }],
      ...(after === undefined ? {} : { after: { id: after } }),
      ...(limit === undefined ? {} : { limit }),
    });
    return found as readonly AuditDocument[];
  },
});
