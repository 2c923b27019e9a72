import { describe, expect, it } from 'vitest';
import { FILTERS } from '../../../src/domain/placement/filters.ts';
import type { FilterName } from '../../../src/domain/placement/options.ts';
import type { PoolReport } from '../../../src/domain/placement/pool-report.ts';
import type { PlacementRequest } from '../../../src/domain/placement/request.ts';
import { placementRequest, poolReport, typeWith } from './pools.ts';

const ONE = '11111111-1111-4111-8111-111111111111';
const TWO = '22222222-2222-4222-8222-222222222222';

type Case = [FilterName, string, Partial<PoolReport>, Partial<PlacementRequest>];

const verdictOf = ([filter, , report, request]: Case) => FILTERS[filter](poolReport(report), placementRequest(request));

describe('a filter lets a pool pass', () => {
  it.each<Case>([
    ['AvailabilityZoneFilter', 'no zone is asked for', {}, {}],
    ['AvailabilityZoneFilter', 'its zone is among those asked for', {}, { availabilityZones: ['west', 'nova'] }],
    ['CapacityFilter', 'there is room', { freeCapacityGiB: 10 }, {}],
    ['CapacityFilter', 'the volume is there already', { freeCapacityGiB: 0 }, { existsOn: 'alpha@file#one' }],
    ['CapacityFilter', 'no room is asked for', { freeCapacityGiB: 0 }, { sizeGiB: 0 }],
    [
      'CapacityFilter',
      'it is thin and the type does not say thick',
      { freeCapacityGiB: 0, thinProvisioning: true },
      { volumeType: typeWith({ 'provisioning:type': 'thin' }) },
    ],
    ['CapabilitiesFilter', 'the request has no type', {}, {}],
    [
      'CapabilitiesFilter',
      'all extra specs are met',
      { multiattach: true },
      { volumeType: typeWith({ multiattach: '<is> True' }) },
    ],
    [
      'CapabilitiesFilter',
      'a protocol is asked for in another spelling',
      { storageProtocol: 'FC' },
      { volumeType: typeWith({ storage_protocol: 'fc' }) },
    ],
    [
      'CapabilitiesFilter',
      'a detached volume is extended where attached ones cannot be',
      { capabilities: { online_extend_support: false } },
      { operation: 'extend', attached: false },
    ],
    [
      'CapabilitiesFilter',
      'an attached volume is extended where nothing forbids it',
      {},
      { operation: 'extend', attached: true },
    ],
    [
      'CapabilitiesFilter',
      'a snapshot of an attached volume is taken where it could not be extended',
      { capabilities: { online_extend_support: false } },
      { operation: 'snapshot', attached: true },
    ],
    ['DriverFilter', 'the backend has no function', {}, {}],
    ['DriverFilter', 'its function is true', { filterFunction: 'volume.size < 5' }, { volume: { size: 4 } }],
    ['DriverFilter', 'its function gives a number', { filterFunction: 'stats.free_capacity_gb' }, {}],
    [
      'DriverFilter',
      'its function sees extra specs, quality of service, capabilities and statistics',
      {
        filterFunction:
          "extra.tier == 'gold' and qos.iops > 5 and capabilities.depth == 3 and stats.backend_id == 'alpha@file#one'",
        capabilities: { depth: 3 },
      },
      { volumeType: typeWith({ tier: 'gold' }), qos: { iops: 6 } },
    ],
    [
      'DriverFilter',
      'its function is true for one spelling of the protocol',
      {
        filterFunction:
          "stats.storage_protocol == 'fibre_channel' and capabilities.storage_protocol == 'fibre_channel'",
        storageProtocol: 'FC',
      },
      {},
    ],
    [
      'DriverFilter',
      'its function names a protocol with one spelling',
      { filterFunction: "stats.storage_protocol == 'file'" },
      {},
    ],
    ['JsonFilter', 'there is no query', {}, {}],
    ['JsonFilter', 'the query is true of it', {}, { hints: { query: '["=", "$volume_backend_name", "file"]' } }],
    [
      'JsonFilter',
      'the query looks into its service',
      {},
      { hints: { query: '["=", "$service.availability_zone", "nova"]' } },
    ],
    ['SameBackendFilter', 'there is no such hint', {}, { hints: { different_host: ONE } }],
    [
      'SameBackendFilter',
      'the volume lives there',
      {},
      { hints: { same_host: ONE }, volumePools: { [ONE]: 'alpha@file#one' } },
    ],
    [
      'SameBackendFilter',
      'one of the volumes lives there',
      {},
      { hints: { same_host: [ONE, TWO] }, volumePools: { [ONE]: 'beta@file#one', [TWO]: 'alpha@file#one' } },
    ],
    ['SameBackendFilter', 'the list is empty', {}, { hints: { same_host: [] } }],
    ['DifferentBackendFilter', 'there is no such hint', {}, { hints: { same_host: ONE } }],
    [
      'DifferentBackendFilter',
      'the volume lives elsewhere',
      {},
      { hints: { different_host: ONE }, volumePools: { [ONE]: 'beta@file#one' } },
    ],
    ['DifferentBackendFilter', 'the volume is not known', {}, { hints: { different_host: [ONE] } }],
    [
      'DifferentBackendFilter',
      'the volume is nowhere yet',
      {},
      { hints: { different_host: [ONE] }, volumePools: { [ONE]: null } },
    ],
    ['InstanceLocalityFilter', 'there is no such hint', {}, { instanceHost: 'beta' }],
    ['InstanceLocalityFilter', 'the hint is null', {}, { hints: { local_to_instance: null }, instanceHost: 'beta' }],
    ['InstanceLocalityFilter', 'the hint is empty', {}, { hints: { local_to_instance: '' }, instanceHost: 'beta' }],
    [
      'InstanceLocalityFilter',
      'the instance runs on its host',
      {},
      { hints: { local_to_instance: ONE }, instanceHost: 'alpha' },
    ],
    ['RetryFilter', 'it was not tried', {}, { triedPools: ['beta@file#one'] }],
    ['IgnoreAttemptedHostsFilter', 'it was not tried', {}, {}],
  ])('%s: %s', (...given) => {
    expect(verdictOf(given)).toEqual({ passes: true });
  });
});

describe('a filter refuses a pool and says why', () => {
  it.each<[...Case, string, Record<string, unknown>]>([
    [
      'AvailabilityZoneFilter',
      'its zone is not asked for',
      {},
      { availabilityZones: ['west', 'east'] },
      'it is in zone nova, not in west, east',
      { availabilityZone: 'nova', wanted: 'west, east' },
    ],
    [
      'CapacityFilter',
      'there is no room',
      { totalCapacityGiB: 0 },
      { existsOn: 'alpha@file#two' },
      'its total capacity is 0 GiB',
      { requestedGiB: 10, totalGiB: 0 },
    ],
    [
      'CapacityFilter',
      'the type is thick and free space is short',
      { freeCapacityGiB: 9, thinProvisioning: true },
      { volumeType: typeWith({ 'provisioning:type': 'thick' }) },
      '10 GiB requested, 9 GiB free of 100 GiB (thick, 0 GiB provisioned, 0% reserved)',
      { requestedGiB: 10, virtualFreeGiB: 9, totalGiB: 100, freeGiB: 9, provisionedGiB: 0, reservedGiB: 0 },
    ],
    [
      'CapabilitiesFilter',
      'an extra spec is not met',
      {},
      { volumeType: typeWith({ multiattach: '<is> True' }) },
      'extra spec multiattach=<is> True does not match its capability false',
      { extraSpec: 'multiattach', wanted: '<is> True', capability: 'false' },
    ],
    [
      'CapabilitiesFilter',
      'an attached volume cannot be extended there',
      { capabilities: { online_extend_support: false } },
      { operation: 'extend', attached: true },
      'its backend cannot extend an attached volume',
      {},
    ],
    [
      'DriverFilter',
      'its function is false',
      { filterFunction: 'volume.size < 5' },
      { volume: { size: 5 } },
      'its filter function is false: volume.size < 5',
      { filterFunction: 'volume.size < 5' },
    ],
    [
      'DriverFilter',
      'its function fails',
      { filterFunction: 'volume.colour == 5' },
      {},
      'its filter function fails: volume.colour is not known',
      { filterFunction: 'volume.colour == 5', error: 'volume.colour is not known' },
    ],
    [
      'DriverFilter',
      'its function is false for every spelling of the protocol',
      { filterFunction: "stats.storage_protocol == 'nfs'", storageProtocol: 'iSCSI' },
      {},
      "its filter function is false: stats.storage_protocol == 'nfs'",
      { filterFunction: "stats.storage_protocol == 'nfs'" },
    ],
    [
      'JsonFilter',
      'the query is false of it',
      {},
      { hints: { query: '["=", "$volume_backend_name", "fast"]' } },
      'it does not answer the query of the hint',
      { query: '["=", "$volume_backend_name", "fast"]' },
    ],
    [
      'JsonFilter',
      'the query cannot be read',
      {},
      { hints: { query: '[' } },
      'the query is not valid JSON',
      { query: '[' },
    ],
    [
      'SameBackendFilter',
      'the volume lives elsewhere',
      {},
      { hints: { same_host: ONE }, volumePools: { [ONE]: 'alpha@file#two' } },
      'none of the volumes of the hint same_host is on it',
      { same_host: ONE },
    ],
    [
      'SameBackendFilter',
      'the volume is not known',
      {},
      { hints: { same_host: [ONE, TWO] } },
      'none of the volumes of the hint same_host is on it',
      { same_host: `${ONE}, ${TWO}` },
    ],
    [
      'SameBackendFilter',
      'the hint is no id',
      {},
      { hints: { same_host: 'alpha' } },
      'the hint same_host is not a volume id',
      { hint: 'same_host' },
    ],
    [
      'SameBackendFilter',
      'the hint is null',
      {},
      { hints: { same_host: null } },
      'the hint same_host is not a volume id',
      { hint: 'same_host' },
    ],
    [
      'DifferentBackendFilter',
      'one of the hints is no id',
      {},
      { hints: { different_host: [ONE, 'alpha'] } },
      'the hint different_host is not a volume id',
      { hint: 'different_host' },
    ],
    [
      'DifferentBackendFilter',
      'one of the volumes lives there',
      {},
      { hints: { different_host: [ONE, TWO] }, volumePools: { [TWO]: 'alpha@file#one' } },
      'a volume of the hint different_host is on it',
      { different_host: `${ONE}, ${TWO}` },
    ],
    [
      'InstanceLocalityFilter',
      'the hint is no id',
      {},
      { hints: { local_to_instance: 'vm' }, instanceHost: 'alpha' },
      'the hint local_to_instance is not an instance id',
      {},
    ],
    [
      'InstanceLocalityFilter',
      'where the instance runs is not known',
      {},
      { hints: { local_to_instance: ONE } },
      `the host of instance ${ONE} is not known`,
      { instance: ONE },
    ],
    [
      'InstanceLocalityFilter',
      'the instance runs elsewhere',
      {},
      { hints: { local_to_instance: ONE }, instanceHost: 'beta' },
      `instance ${ONE} runs on beta`,
      { instance: ONE, instanceHost: 'beta', host: 'alpha' },
    ],
    [
      'RetryFilter',
      'it was tried',
      {},
      { triedPools: ['beta@file#one', 'alpha@file#one'] },
      'it was tried already',
      { attempts: 2 },
    ],
    [
      'IgnoreAttemptedHostsFilter',
      'it was tried',
      {},
      { triedPools: ['alpha@file#one'] },
      'it was tried already',
      { attempts: 1 },
    ],
  ])('%s: %s', (filter, what, report, request, reason, figures) => {
    expect(verdictOf([filter, what, report, request])).toEqual({ passes: false, reason, figures });
  });
});
