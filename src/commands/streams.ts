import type { Instant } from '../domain/kernel/units.ts';
import type { DeletedMessages } from '../domain/messages/index.ts';
import { type MessagesCommand, type MessagesEvent, messages } from '../domain/messages/index.ts';
import {
  closePoolBooks,
  type PoolCommand,
  type PoolEvent,
  type PoolLedger,
  poolDecider,
  poolEvents,
} from '../domain/pool/index.ts';
import {
  closeQuotaBooks,
  type QuotaCommand,
  type QuotaEvent,
  type QuotaLedger,
  quotaDecider,
  quotaEvents,
} from '../domain/quota/index.ts';
import {
  type QuotaClasses,
  type QuotaClassesCommand,
  type QuotaClassesEvent,
  quotaClasses,
} from '../domain/quota-classes/index.ts';
import { type Refusals, type RefusalsCommand, type RefusalsEvent, refusals } from '../domain/refusals/index.ts';
import { type ServiceCommand, type ServiceEvent, type ServiceState, service } from '../domain/service/index.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import { type VolumeEvent, volumeEvents } from '../domain/volume/events.ts';
import { volumeDecider } from '../domain/volume/index.ts';
import type { Volume } from '../domain/volume/state.ts';
import {
  type VolumeTypes,
  type VolumeTypesCommand,
  type VolumeTypesEvent,
  volumeTypes,
} from '../domain/volume-types/index.ts';
import type { Aggregate } from './handle.ts';

/** Which stream each aggregate lives in, and how `handle` reads it (DESIGN section 3). */

const VOLUME_PREFIX = 'volume-';

export const volumeStream = (volumeId: string): string => `${VOLUME_PREFIX}${volumeId}`;

/** The volume whose stream this is; null for any other stream. */
export const volumeIdOfStream = (stream: string): string | null =>
  stream.startsWith(VOLUME_PREFIX) ? stream.slice(VOLUME_PREFIX.length) : null;

export const volumeAggregate: Aggregate<VolumeCommand, Volume, VolumeEvent> = {
  decider: volumeDecider,
  catalogue: volumeEvents,
};

export const VOLUME_TYPES_STREAM = 'volumeTypes';
export const volumeTypesAggregate: Aggregate<VolumeTypesCommand, VolumeTypes, VolumeTypesEvent> = volumeTypes;

export const quotaStream = (projectId: string): string => `quota-${projectId}`;
export const quotaAggregate: Aggregate<QuotaCommand, QuotaLedger, QuotaEvent> = {
  decider: quotaDecider,
  catalogue: quotaEvents,
  books: { type: 'QuotaLedgerClosed', close: closeQuotaBooks },
};

export const QUOTA_CLASSES_STREAM = 'quotaClasses';
export const quotaClassesAggregate: Aggregate<QuotaClassesCommand, QuotaClasses, QuotaClassesEvent> = quotaClasses;

/** `pool` is `host@backend#pool`. */
export const poolStream = (pool: string): string => `pool-${pool}`;
export const poolAggregate: Aggregate<PoolCommand, PoolLedger, PoolEvent> = {
  decider: poolDecider,
  catalogue: poolEvents,
  books: { type: 'PoolLedgerClosed', close: closePoolBooks },
};

/** `host` of a service that owns a backend is `host@backend`. */
export const serviceStream = (binary: string, host: string): string => `service-${binary}@${host}`;
export const serviceAggregate: Aggregate<ServiceCommand, ServiceState, ServiceEvent> = service;

export const messagesStream = (projectId: string): string => `messages-${projectId}`;
export const messagesAggregate: Aggregate<MessagesCommand, DeletedMessages, MessagesEvent> = messages;

/** One stream per project and day (UTC). */
export const refusalsStream = (projectId: string, at: Instant): string =>
  `refusals-${projectId}-${new Date(at).toISOString().slice(0, 10)}`;
export const refusalsAggregate: Aggregate<RefusalsCommand, Refusals, RefusalsEvent> = refusals;
