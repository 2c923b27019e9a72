import type { GiB } from '../kernel/units.ts';
import type { Amounts } from './events.ts';

/** What applies where a project has no row of its own, and how per-type resources are named to people. */
export interface QuotaDefaults {
  /** By resource key; a key that is absent is unlimited. */
  readonly limits: Amounts;
  /** Names of volume types by id, for `volumes_<type>` in answers. */
  readonly typeNames: Readonly<Record<string, string>>;
}

export type QuotaCommand =
  /** Merged into the project's own limits. */
  | {
      readonly type: 'SetQuotaLimits';
      readonly projectId: string;
      readonly limits: Amounts;
      readonly typeNames: QuotaDefaults['typeNames'];
    }
  | { readonly type: 'DeleteQuotaLimits'; readonly projectId: string }
  /** Over the limit: refused, and nothing is written. `volumeSizeGiB` is checked against per_volume_gigabytes. */
  | {
      readonly type: 'ChargeQuota';
      readonly projectId: string;
      readonly operationId: string;
      readonly amounts: Amounts;
      readonly volumeSizeGiB: GiB | null;
      readonly landsIn: string;
      readonly reserved: boolean;
      readonly defaults: QuotaDefaults;
      /** What is asked for: it decides the figures of a refusal (a growth always shows the plain gigabytes). */
      readonly resource: 'volume' | 'snapshot' | 'growth';
    }
  | { readonly type: 'SettleCharge'; readonly projectId: string; readonly operationId: string }
  /** `charge`: whatever the operation's open charge holds; otherwise what a deletion or a transfer freed. */
  | {
      readonly type: 'ReturnQuota';
      readonly projectId: string;
      readonly operationId: string;
      readonly amounts: 'charge' | Amounts;
      readonly reason: string;
    };
