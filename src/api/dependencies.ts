import type { Logger } from 'pino';
import type { AttachmentCommands } from '../commands/attachments.ts';
import type { RefusalSink } from '../commands/handle.ts';
import type { MessageCommands } from '../commands/messages.ts';
import type { OperationCommands } from '../commands/operations.ts';
import type { QuotaCommands } from '../commands/quotas.ts';
import type { ServiceCommands } from '../commands/services.ts';
import type { SnapshotCommands } from '../commands/snapshots.ts';
import type { TransferCommands } from '../commands/transfers.ts';
import type { VolumeTypeCommands } from '../commands/volume-types.ts';
import type { VolumeCommands } from '../commands/volumes.ts';
import type { PlacementOptions } from '../domain/placement/index.ts';
import type { Amounts } from '../domain/quota/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { KeyedCommandQueries } from '../projections/keyed-commands.ts';
import type { MessageQueries } from '../projections/messages.ts';
import type { OperationQueries } from '../projections/operations.ts';
import type { QuotaClassQueries, QuotaQueries } from '../projections/quotas.ts';
import type { ReadModels } from '../projections/read-models.ts';
import type { ServiceQueries } from '../projections/services.ts';
import type { SnapshotQueries } from '../projections/snapshots.ts';
import type { TransferQueries } from '../projections/transfers.ts';
import type { DefaultTypeQueries, VolumeTypeQueries } from '../projections/volume-types.ts';
import type { VolumeQueries } from '../projections/volumes.ts';
import type { PoolReports } from '../sagas/pool-reports.ts';
import type { Authenticator } from './auth.ts';
import type { ConnectionLimits } from './connections.ts';
import type { Policy } from './policy.ts';
import type { TypeNames } from './type-names.ts';

export interface ApiConfig {
  /** Longest page of any list (the original's osapi_max_limit). */
  readonly maxLimit: number;
  /** Scheme, host and port of links; null: what the request says. */
  readonly publicEndpoint: string | null;
  /** Where new volumes go when nothing else says. */
  readonly defaultAvailabilityZone: string;
  /** Configured limits by resource (contract/quota.md §1): what applies below the class named `default`. */
  readonly quotaDefaults: Amounts;
  /** A service without a beat for so long is down (the original's service_down_time). */
  readonly serviceDownAfterMs: number;
  /** A request that takes longer is answered 503, for engines that hang; absent: as long as it takes. */
  readonly answerWithinMs?: number;
  /** Against slow and many clients; absent: CONNECTION_LIMITS. */
  readonly connections?: ConnectionLimits;
}

export interface ApiQueries {
  readonly volumes: VolumeQueries;
  readonly snapshots: SnapshotQueries;
  readonly transfers: TransferQueries;
  readonly volumeTypes: VolumeTypeQueries;
  readonly defaultTypes: DefaultTypeQueries;
  readonly quotas: QuotaQueries;
  readonly quotaClasses: QuotaClassQueries;
  readonly services: ServiceQueries;
  readonly messages: MessageQueries;
  readonly operations: OperationQueries;
  readonly keyedCommands: KeyedCommandQueries;
}

/** Commands by aggregate; each function takes its input and who sends it. */
export interface ApiCommands {
  readonly volumes: VolumeCommands;
  readonly attachments: AttachmentCommands;
  readonly snapshots: SnapshotCommands;
  readonly transfers: TransferCommands;
  readonly volumeTypes: VolumeTypeCommands;
  readonly quotas: QuotaCommands;
  readonly services: ServiceCommands;
  readonly messages: MessageCommands;
  readonly operations: OperationCommands;
}

/** What `/readyz` says: ready, or what is missing. */
export interface Readiness {
  readonly ready: boolean;
  readonly missing: readonly string[];
}

/** A figure for `/metrics` that other parts keep. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge';
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** What a process says of itself, whatever its roles. */
export interface Health {
  readonly readiness: () => Promise<Readiness> | Readiness;
  /** Figures of the parts behind the API (lag of the read models, operations, pools). */
  readonly metrics?: () => Promise<readonly Metric[]>;
}

/** Everything the API stands on. */
export interface ApiDependencies extends Health {
  readonly commands: ApiCommands;
  readonly queries: ApiQueries;
  /** What backends report of their pools, beside the ledgers. */
  readonly poolReports: Pick<PoolReports, 'read'>;
  /** Signs of life of the services. */
  readonly heartbeats: Pick<Coordination, 'heartbeats'>;
  /** Options of placement as they are now: their file may change. */
  readonly placementOptions: () => PlacementOptions;
  /** How far the read models are, whichever process keeps them. */
  readonly readModels: ReadModels;
  readonly auth: Authenticator;
  readonly policy: Policy;
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps the audit fact of a refused write; the command handler has the same sink for what rules refuse. */
  readonly onRefused?: RefusalSink;
}

/** What a handler works with: the dependencies, and what the API itself keeps. */
export interface ApiContext extends ApiDependencies {
  readonly typeNames: TypeNames;
}
