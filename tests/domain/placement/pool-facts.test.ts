import { describe, expect, it } from 'vitest';
import {
  capabilitiesOf,
  goodnessStatsOf,
  poolAddressOf,
  poolStateOf,
  protocolSpellings,
  statsOf,
} from '../../../src/domain/placement/pool-facts.ts';
import { isUuidLike } from '../../../src/domain/placement/python-values.ts';
import { poolReport } from './pools.ts';

describe('what is known of a pool under the names of the original', () => {
  const report = poolReport({
    storageProtocol: 'iSCSI',
    thinProvisioning: true,
    maxOverSubscriptionRatio: 'auto',
    provisionedCapacityGiB: 30,
    provisionedAtReportGiB: 20,
    allocatedCapacityGiB: 25,
    freeCapacityGiB: 90,
    capabilities: { tier: 'gold', QoS_support: true, total_capacity_gb: 'a lie' },
  });

  it('names capabilities, and no addition of the driver hides a figure', () => {
    expect(capabilitiesOf(report)).toEqual({
      tier: 'gold',
      QoS_support: true,
      pool_name: 'one',
      volume_backend_name: 'file',
      vendor_name: 'Scoria',
      driver_version: '1.0',
      storage_protocol: ['iSCSI', 'iscsi'],
      total_capacity_gb: 100,
      free_capacity_gb: 90,
      allocated_capacity_gb: 25,
      provisioned_capacity_gb: 30,
      reserved_percentage: 0,
      thin_provisioning_support: true,
      thick_provisioning_support: true,
      max_over_subscription_ratio: 'auto',
      multiattach: false,
      filter_function: null,
      goodness_function: null,
      timestamp: '2023-11-14T22:13:20.000',
    });
  });

  it('says that QoS is not supported where a driver says nothing', () => {
    expect(capabilitiesOf(poolReport()).QoS_support).toBe(false);
    expect(statsOf(poolReport()).QoS_support).toBe(false);
  });

  it('gives expressions the statistics, goodness functions without the names of clusters', () => {
    const goodness = {
      host: 'alpha@file#one',
      volume_backend_name: 'file',
      vendor_name: 'Scoria',
      driver_version: '1.0',
      storage_protocol: ['iSCSI', 'iscsi'],
      QoS_support: true,
      total_capacity_gb: 100,
      allocated_capacity_gb: 25,
      free_capacity_gb: 80,
      reserved_percentage: 0,
      updated: '2023-11-14T22:13:20.000',
    };
    expect(goodnessStatsOf(report)).toEqual(goodness);
    expect(statsOf(report)).toEqual({ ...goodness, cluster_name: null, backend_id: 'alpha@file#one' });
  });

  it('gives queries the state, with capabilities and service inside', () => {
    expect(poolStateOf(report)).toMatchObject({
      backend_id: 'alpha@file#one',
      pool_name: 'one',
      free_capacity_gb: 80,
      provisioned_capacity_gb: 30,
      max_over_subscription_ratio: 1 + 20 / 11,
      thin_provisioning_support: true,
      thick_provisioning_support: true,
      multiattach: false,
      capabilities: { tier: 'gold', free_capacity_gb: 90 },
      service: { host: 'alpha@file', availability_zone: 'nova' },
    });
  });

  it.each([
    ['iscsi', ['iSCSI', 'iscsi']],
    ['fibre_channel', ['FC', 'fibre_channel', 'fc']],
    ['NFS', ['NFS', 'nfs']],
    ['NVMeOF', ['NVMe-oF', 'NVMeOF', 'nvmeof']],
    ['file', 'file'],
  ])('knows the spellings of %s', (protocol, spellings) => {
    expect(protocolSpellings(protocol)).toEqual(spellings);
  });

  it.each([
    ['alpha@file#one', { host: 'alpha', backend: 'alpha@file', pool: 'one' }],
    ['alpha@file', { host: 'alpha', backend: 'alpha@file', pool: '' }],
    ['alpha', { host: 'alpha', backend: 'alpha', pool: '' }],
  ])('takes the address %s apart', (address, parts) => {
    expect(poolAddressOf(address)).toEqual(parts);
  });
});

describe('an id in a hint', () => {
  it.each<[unknown, boolean]>([
    ['5b7c2b6a-37a7-4f0d-9a1e-3a1f7a0c2b11', true],
    ['5B7C2B6A37A74F0D9A1E3A1F7A0C2B11', true],
    ['{5b7c2b6a-37a7-4f0d-9a1e-3a1f7a0c2b11}', true],
    ['urn:uuid:5b7c2b6a-37a7-4f0d-9a1e-3a1f7a0c2b11', true],
    ['5b7c2b6a', false],
    ['', false],
    [7, false],
    [null, false],
  ])('%j is one: %s', (value, expected) => {
    expect(isUuidLike(value)).toBe(expected);
  });
});
