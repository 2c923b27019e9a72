import { describe, expect, it } from 'vitest';
import {
  type ZoneOptions,
  type ZoneRequest,
  zonesForCreate,
  zonesOfType,
} from '../../../src/domain/placement/zones.ts';
import { placementOptions } from './pools.ts';

const zonesFor = (request: Partial<ZoneRequest>, options: Partial<ZoneOptions> = {}) =>
  zonesForCreate(
    {
      extraSpecs: {},
      liveZones: ['nova', 'west', 'east'],
      groupZone: null,
      requestedZone: null,
      source: null,
      ...request,
    },
    placementOptions(options),
  );

const typeIn = (zones: string) => ({ 'RESKEY:availability_zones': zones });
const fromSnapshot = (zone: string) => ({ kind: 'snapshot', zone }) as const;
const fromVolume = (zone: string) => ({ kind: 'volume', zone }) as const;

describe('the zones of a type', () => {
  it.each<[Record<string, string>, readonly string[] | null]>([
    [{}, null],
    [typeIn('west'), ['west']],
    [typeIn(' west , east,,'), ['west', 'east']],
    [typeIn(''), []],
  ])('%j: %j', (extraSpecs, zones) => {
    expect(zonesOfType(extraSpecs)).toEqual(zones);
  });
});

describe('the zone of a new volume', () => {
  it.each<[string, Partial<ZoneRequest>, Partial<ZoneOptions>, readonly string[], boolean]>([
    ['is the storage zone where nothing names one', {}, {}, ['nova'], false],
    ['is the default zone before the storage zone', {}, { defaultAvailabilityZone: 'east' }, ['east'], false],
    ['is the one asked for', { requestedZone: 'west' }, {}, ['west'], false],
    ["is the group's before the one asked for", { groupZone: 'east', requestedZone: 'west' }, {}, ['east'], false],
    ["is the source volume's where none is asked for", { source: fromVolume('west') }, {}, ['west'], false],
    ["is the source snapshot's where none is asked for", { source: fromSnapshot('east') }, {}, ['east'], false],
    [
      'is any of the live zones of the type',
      { extraSpecs: typeIn('west,gone,east') },
      { defaultAvailabilityZone: 'nova' },
      ['west', 'east'],
      false,
    ],
    [
      'is the one asked for, among those of the type',
      { extraSpecs: typeIn('west,east'), requestedZone: 'east' },
      {},
      ['east'],
      false,
    ],
    [
      'falls back to the storage zone',
      { requestedZone: 'mars' },
      { allowAvailabilityZoneFallback: true },
      ['nova'],
      true,
    ],
    [
      'falls back to the default zone',
      { requestedZone: 'mars' },
      { allowAvailabilityZoneFallback: true, defaultAvailabilityZone: 'west' },
      ['west'],
      true,
    ],
    [
      'may differ from the source where that is allowed',
      { source: fromVolume('west'), requestedZone: 'east' },
      { clonedVolumeSameAz: false },
      ['east'],
      false,
    ],
    ['may be the one of the source', { source: fromSnapshot('west'), requestedZone: 'west' }, {}, ['west'], false],
  ])('%s', (_, request, options, zones, fellBack) => {
    expect(zonesFor(request, options)).toEqual({ kind: 'zones', zones, fellBack });
  });

  it.each<[string, Partial<ZoneRequest>, Partial<ZoneOptions>, string, string]>([
    [
      'no zone of the type is alive',
      { extraSpecs: typeIn('mars,venus') },
      { allowAvailabilityZoneFallback: true },
      'InvalidTypeAvailabilityZones',
      'Volume type is only supported in these availability zones: mars, venus',
    ],
    [
      'the zone asked for is not known',
      { requestedZone: 'mars' },
      {},
      'InvalidAvailabilityZone',
      "Availability zone 'mars' is invalid.",
    ],
    [
      'the zone asked for is not one of the type',
      { extraSpecs: typeIn('west'), requestedZone: 'nova' },
      {},
      'InvalidAvailabilityZone',
      "Availability zone 'nova' is invalid.",
    ],
    [
      'the default zone is not alive',
      { liveZones: ['west'] },
      {},
      'InvalidAvailabilityZone',
      "Availability zone 'nova' is invalid.",
    ],
    [
      'the snapshot lies in another zone',
      { requestedZone: 'west', source: fromSnapshot('east') },
      {},
      'InvalidInput',
      'Invalid input received: Volume must be in the same availability zone as the snapshot',
    ],
    [
      'the source volume lies in another zone',
      { requestedZone: 'west', source: fromVolume('east') },
      {},
      'InvalidInput',
      'Invalid input received: Volume must be in the same availability zone as the source volume',
    ],
    [
      'the fallback is not the zone of the source',
      { requestedZone: 'mars', source: fromVolume('east') },
      { allowAvailabilityZoneFallback: true },
      'InvalidInput',
      'Invalid input received: Volume must be in the same availability zone as the source volume',
    ],
  ])('is refused when %s', (_, request, options, code, message) => {
    expect(zonesFor(request, options)).toMatchObject({ kind: 'refused', rejection: { code, message } });
  });
});
