import type { GiB } from '../kernel/units.ts';
import type { Figures } from './capacity.ts';

/** What is to be placed, with everything that filters and weighers look at; the caller has looked up what is outside. */
export interface PlacementRequest {
  readonly operation: 'create' | 'extend' | 'snapshot';
  /** Room asked for: a new volume's size, a snapshot's volume size, the growth of an extension; 0 asks for none. */
  readonly sizeGiB: GiB;
  /** null: no type takes part (a snapshot), so capabilities are not checked. */
  readonly volumeType: { readonly name: string; readonly extraSpecs: Readonly<Record<string, string>> } | null;
  /** Zones it may go to; empty: any. */
  readonly availabilityZones: readonly string[];
  /** Scheduler hints as sent: `same_host`, `different_host`, `query`, `local_to_instance`; others are ignored. */
  readonly hints: Readonly<Record<string, unknown>>;
  /** `host@backend#pool`, or `host@backend` for any of its pools: the only place where it may go. */
  readonly resourceBackend: string | null;
  /** Pools where an earlier attempt failed: they come last, and the retry filter leaves them out. */
  readonly triedPools: readonly string[];
  /** By id, the pools of the volumes that `same_host` and `different_host` name, as far as the caller may see them. */
  readonly volumePools: Readonly<Record<string, string | null>>;
  /** Hypervisor host of the instance that `local_to_instance` names; null where it is not known. */
  readonly instanceHost: string | null;
  /** What expressions see as `volume.x`, under the original's names (size, name, availability_zone, attach_status ...). */
  readonly volume: Readonly<Record<string, unknown>>;
  /** What expressions see as `qos.x`. */
  readonly qos: Readonly<Record<string, unknown>>;
  /** An extension of an attached volume needs a backend that can grow it under way. */
  readonly attached?: boolean;
  /** The pool where the volume lies already and needs no more room (a retype on the spot). */
  readonly existsOn?: string;
  /** Pools that may not be used at all, and why (service down, disabled, frozen): named in a refusal. */
  readonly unusablePools?: readonly { readonly pool: string; readonly reason: string }[];
}

/** Why one pool was refused: the first filter it failed, and the figures. */
export interface PoolRefusal {
  readonly pool: string;
  readonly filter: string;
  readonly reason: string;
  readonly figures: Figures;
}

/** Extra spec `provisioning:type` of the request's type. */
export const provisioningTypeOf = (request: Pick<PlacementRequest, 'volumeType'>): string | null =>
  request.volumeType?.extraSpecs['provisioning:type'] ?? null;
