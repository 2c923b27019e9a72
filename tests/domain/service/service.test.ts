import { describe, expect, it } from 'vitest';
import { type ServiceEvent, service } from '../../../src/domain/service/index.ts';
import { givenDecider } from '../given-when-then.ts';

const name = { binary: 'cinder-volume', host: 'alpha@file' };
const registered: ServiceEvent = {
  type: 'ServiceRegistered',
  data: { ...name, serviceUuid: 'u1', availabilityZone: 'nova' },
};
const enabled: ServiceEvent = { type: 'ServiceEnabled', data: name };
const disabled = (reason: string | null): ServiceEvent => ({ type: 'ServiceDisabled', data: { ...name, reason } });
const frozen: ServiceEvent = { type: 'ServiceFrozen', data: name };
const thawed: ServiceEvent = { type: 'ServiceThawed', data: name };

const given = (...events: readonly ServiceEvent[]) => givenDecider(service.decider).given(...events);

const register = { type: 'RegisterService', ...name, serviceUuid: 'u1', availabilityZone: 'nova' } as const;

describe('registering a service', () => {
  it('gives it its UUID, enabled', () => {
    given().when(register).then(registered);
    expect(given(registered).state).toEqual({
      ...name,
      serviceUuid: 'u1',
      availabilityZone: 'nova',
      enabled: true,
      disabledReason: null,
      frozen: false,
    });
  });

  it('again keeps the UUID of the first time', () => {
    given(registered)
      .when({ ...register, serviceUuid: 'u2' })
      .thenNothing();
  });

  it('with another zone records the zone under the same UUID, and enables nothing', () => {
    given(registered, disabled('broken'))
      .when({ ...register, serviceUuid: 'u2', availabilityZone: 'west' })
      .then({ type: 'ServiceRegistered', data: { ...name, serviceUuid: 'u1', availabilityZone: 'west' } });
    const { state } = given(registered, disabled('broken'), {
      type: 'ServiceRegistered',
      data: { ...name, serviceUuid: 'u1', availabilityZone: 'west' },
    });
    expect(state).toMatchObject({ availabilityZone: 'west', enabled: false, disabledReason: 'broken' });
  });
});

describe('disabling and enabling a service', () => {
  it('records the change and the reason', () => {
    given(registered)
      .when({ type: 'DisableService', ...name, reason: 'broken' })
      .then(disabled('broken'));
    given(registered)
      .when({ type: 'DisableService', ...name, reason: null })
      .then(disabled(null));
    given(registered, disabled('broken'))
      .when({ type: 'EnableService', ...name })
      .then(enabled);
  });

  it('again records nothing', () => {
    given(registered)
      .when({ type: 'EnableService', ...name })
      .thenNothing();
    given(registered, disabled('broken'))
      .when({ type: 'DisableService', ...name, reason: 'broken' })
      .thenNothing();
    given(registered, disabled('broken'))
      .when({ type: 'DisableService', ...name, reason: null })
      .thenNothing();
  });

  it('for another reason records the reason', () => {
    given(registered, disabled('broken'))
      .when({ type: 'DisableService', ...name, reason: 'moved' })
      .then(disabled('moved'));
  });

  it('forgets the reason when it is enabled', () => {
    expect(given(registered, disabled('broken'), enabled).state).toMatchObject({ enabled: true, disabledReason: null });
    given(registered, disabled('broken'), enabled)
      .when({ type: 'DisableService', ...name, reason: null })
      .then(disabled(null));
  });
});

describe('freezing and thawing a service', () => {
  it('freezing disables it too, thawing enables it', () => {
    given(registered)
      .when({ type: 'FreezeService', ...name })
      .then(frozen);
    expect(given(registered, frozen).state).toMatchObject({ frozen: true, enabled: false, disabledReason: 'frozen' });
    given(registered, frozen)
      .when({ type: 'ThawService', ...name })
      .then(thawed);
    expect(given(registered, frozen, thawed).state).toMatchObject({
      frozen: false,
      enabled: true,
      disabledReason: null,
    });
  });

  it('is refused where it is so already', () => {
    given(registered, frozen)
      .when({ type: 'FreezeService', ...name })
      .thenRejected('InvalidInput', 'frozen already');
    given(registered)
      .when({ type: 'ThawService', ...name })
      .thenRejected('InvalidInput', 'not frozen');
  });
});

describe('a service that never registered', () => {
  it.each(['EnableService', 'DisableService'] as const)('is not found by %s', (type) => {
    given()
      .when({ type, ...name, reason: null })
      .thenRejected('ServiceNotFound', 'cinder-volume@alpha@file');
  });

  it.each(['FreezeService', 'ThawService'] as const)('is a bad request of %s', (type) => {
    given()
      .when({ type, ...name })
      .thenRejected('InvalidInput', 'cinder-volume@alpha@file');
  });

  it('stays unknown whatever a log tells of it', () => {
    expect(given(disabled('broken'), frozen).state).toBeNull();
  });
});
