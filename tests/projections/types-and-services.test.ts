import { describe, expect, it } from 'vitest';
import type { ServiceEvent } from '../../src/domain/service/events.ts';
import type { VolumeTypesEvent } from '../../src/domain/volume-types/events.ts';
import { servicesProjection } from '../../src/projections/services.ts';
import { defaultTypesProjection, volumeTypesProjection } from '../../src/projections/volume-types.ts';
import { given } from './recorded.ts';

const created: VolumeTypesEvent = {
  type: 'VolumeTypeCreated',
  data: { typeId: 't1', name: 'fast', description: 'on flash', isPublic: true, extraSpecs: { a: 'b' } },
};

describe('a volume type', () => {
  const type = (...events: readonly VolumeTypesEvent[]) =>
    given(volumeTypesProjection, created, ...events).document('t1');

  it('is shown as it was created', () => {
    expect(type()).toEqual({
      id: 't1',
      name: 'fast',
      description: 'on flash',
      isPublic: true,
      extraSpecs: { a: 'b' },
      createdAt: 1,
      updatedAt: null,
    });
  });

  it('keeps what an update does not name', () => {
    const updated: VolumeTypesEvent = { type: 'VolumeTypeUpdated', data: { typeId: 't1', description: null } };
    expect(type(updated)).toMatchObject({ name: 'fast', description: null, isPublic: true, updatedAt: 2 });
  });

  it('has the extra specs as they were last left', () => {
    const changed: VolumeTypesEvent = {
      type: 'VolumeTypeExtraSpecsChanged',
      data: { typeId: 't1', extraSpecs: { c: 'd' } },
    };
    expect(type(changed)).toMatchObject({ extraSpecs: { c: 'd' }, updatedAt: null });
  });

  it('is gone once it is deleted', () => {
    expect(type({ type: 'VolumeTypeDeleted', data: { typeId: 't1' } })).toBeNull();
  });

  it('is the default of a project until that is unset', () => {
    const set: VolumeTypesEvent = { type: 'DefaultVolumeTypeSet', data: { projectId: 'p1', typeId: 't1' } };
    const unset: VolumeTypesEvent = { type: 'DefaultVolumeTypeUnset', data: { projectId: 'p1' } };
    expect(given(defaultTypesProjection, created, set).document('p1')).toEqual({ id: 'p1', volumeTypeId: 't1' });
    expect(given(defaultTypesProjection, created, set, unset).documents.size).toBe(0);
    expect(given(volumeTypesProjection, created, set).documents.size).toBe(1);
  });
});

describe('a service', () => {
  const name = { binary: 'cinder-volume', host: 'host1@file' };
  const registered: ServiceEvent = {
    type: 'ServiceRegistered',
    data: { ...name, serviceUuid: 'uuid1', availabilityZone: 'nova' },
  };
  const service = (...events: readonly ServiceEvent[]) =>
    given(servicesProjection, registered, ...events).document('cinder-volume@host1@file');
  const enabled: ServiceEvent = { type: 'ServiceEnabled', data: name };
  const disabled: ServiceEvent = { type: 'ServiceDisabled', data: { ...name, reason: 'maintenance' } };
  const frozen: ServiceEvent = { type: 'ServiceFrozen', data: name };
  const thawed: ServiceEvent = { type: 'ServiceThawed', data: name };

  it('is enabled from the start', () => {
    expect(service()).toEqual({
      id: 'cinder-volume@host1@file',
      ...name,
      serviceUuid: 'uuid1',
      availabilityZone: 'nova',
      enabled: true,
      disabledReason: null,
      frozen: false,
      createdAt: 1,
      updatedAt: null,
    });
  });

  it('is disabled with a reason until it is enabled again', () => {
    expect(service(disabled)).toMatchObject({ enabled: false, disabledReason: 'maintenance', updatedAt: 2 });
    expect(service(disabled, enabled)).toMatchObject({ enabled: true, disabledReason: null, updatedAt: 3 });
  });

  it('is disabled by freezing and enabled by thawing', () => {
    expect(service(frozen)).toMatchObject({ frozen: true, enabled: false, disabledReason: 'frozen' });
    expect(service(frozen, thawed)).toMatchObject({ frozen: false, enabled: true, disabledReason: null });
  });

  it('keeps its state where it registers again', () => {
    expect(service(disabled, { ...registered, data: { ...registered.data, availabilityZone: 'az2' } })).toMatchObject({
      availabilityZone: 'az2',
      enabled: false,
      createdAt: 1,
    });
  });
});
