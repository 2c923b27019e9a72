import { type Rejection, reject } from '../kernel/rejection.ts';
import type { PlacementOptions } from './options.ts';

export interface ZoneRequest {
  readonly extraSpecs: Readonly<Record<string, string>>;
  /** Zones of the volume services that are known. */
  readonly liveZones: readonly string[];
  readonly groupZone: string | null;
  readonly requestedZone: string | null;
  /** Zone of what it is made from: the source volume, or the volume of the source snapshot. */
  readonly source: { readonly kind: 'snapshot' | 'volume'; readonly zone: string } | null;
}

export type ZoneOptions = Pick<
  PlacementOptions,
  'storageAvailabilityZone' | 'defaultAvailabilityZone' | 'allowAvailabilityZoneFallback' | 'clonedVolumeSameAz'
>;

export type ZoneChoice =
  /** `fellBack`: the zone asked for is not there, and the default stands in for it. */
  | { readonly kind: 'zones'; readonly zones: readonly string[]; readonly fellBack: boolean }
  | { readonly kind: 'refused'; readonly rejection: Rejection };

const refuse = (rejection: Rejection): ZoneChoice => ({ kind: 'refused', rejection });

/** The zones a type is bound to, or null where it names none. */
export function zonesOfType(extraSpecs: Readonly<Record<string, string>>): readonly string[] | null {
  const list = extraSpecs['RESKEY:availability_zones'];
  if (list === undefined) return null;
  return list
    .split(',')
    .map((zone) => zone.trim())
    .filter((zone) => zone !== '');
}

/** Zones in which a new volume may be placed, or why none (contract/scheduler.md §8). */
export function zonesForCreate(request: ZoneRequest, options: ZoneOptions): ZoneChoice {
  const typeZones = zonesOfType(request.extraSpecs);
  const allowed = typeZones === null ? request.liveZones : typeZones.filter((zone) => request.liveZones.includes(zone));
  if (typeZones !== null && allowed.length === 0) {
    return refuse(reject('InvalidTypeAvailabilityZones', { zones: typeZones.join(', ') }));
  }
  const defaultZone = options.defaultAvailabilityZone ?? options.storageAvailabilityZone;
  const named =
    request.groupZone ?? request.requestedZone ?? request.source?.zone ?? (typeZones === null ? defaultZone : null);
  if (named === null) return { kind: 'zones', zones: allowed, fellBack: false };
  const fellBack = !allowed.includes(named);
  if (fellBack && !options.allowAvailabilityZoneFallback)
    return refuse(reject('InvalidAvailabilityZone', { zone: named }));
  const zone = fellBack ? defaultZone : named;
  const { source } = request;
  if (options.clonedVolumeSameAz && source !== null && source.zone !== zone) {
    const what = source.kind === 'snapshot' ? 'snapshot' : 'source volume';
    return refuse(reject('InvalidInput', { reason: `Volume must be in the same availability zone as the ${what}` }));
  }
  return { kind: 'zones', zones: [zone], fellBack };
}
