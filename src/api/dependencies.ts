import type { Logger } from 'pino';
import type { RefusalSink } from '../commands/handle.ts';
import type { Clock } from '../ports/clock.ts';
import type { Position } from '../ports/event-store.ts';
import type { SnapshotQueries } from '../projections/snapshots.ts';
import type { TransferQueries } from '../projections/transfers.ts';
import type { VolumeTypeQueries } from '../projections/volume-types.ts';
import type { VolumeQueries } from '../projections/volumes.ts';
import type { Authenticator } from './auth.ts';
import type { AttachmentCommands, SnapshotCommands, TransferCommands, VolumeCommands } from './commands.ts';
import type { Policy } from './policy.ts';
import type { TypeNames } from './type-names.ts';

export interface ApiConfig {
  /** Longest page of any list (the original's osapi_max_limit). */
  readonly maxLimit: number;
  /** Scheme, host and port of links, without a slash at the end; null: what the request says. */
  readonly publicEndpoint: string | null;
  /** Where new volumes go when nothing else says. */
  readonly defaultAvailabilityZone: string;
}

export interface ApiQueries {
  readonly volumes: VolumeQueries;
  readonly snapshots: SnapshotQueries;
  readonly transfers: TransferQueries;
  readonly volumeTypes: VolumeTypeQueries;
}

/** Commands by aggregate; each function takes its input and who sends it. */
export interface ApiCommands {
  readonly volumes: VolumeCommands;
  readonly attachments: AttachmentCommands;
  readonly snapshots: SnapshotCommands;
  readonly transfers: TransferCommands;
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

/** Everything the API stands on. */
export interface ApiDependencies {
  readonly commands: ApiCommands;
  readonly queries: ApiQueries;
  /** Resolves when the read models have this position, at the latest after two seconds. */
  readonly waitFor: (position: Position) => Promise<void>;
  readonly auth: Authenticator;
  readonly policy: Policy;
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly readiness: () => Promise<Readiness> | Readiness;
  /** Figures of the other parts (lag of the read models, operations, pools). */
  readonly metrics?: () => Promise<readonly Metric[]>;
  /** Keeps the audit fact of a refused write; the command handler has the same sink for what rules refuse. */
  readonly onRefused?: RefusalSink;
}

/** What a handler works with: the dependencies, and what the API itself keeps. */
export interface ApiContext extends ApiDependencies {
  readonly typeNames: TypeNames;
}
