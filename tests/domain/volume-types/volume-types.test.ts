import { describe, expect, it } from 'vitest';
import {
  DEFAULT_TYPE_ID,
  DEFAULT_TYPE_NAME,
  defaultTypeFor,
  typeById,
  typeByName,
  type VolumeTypesCommand,
  type VolumeTypesEvent,
  volumeTypes,
} from '../../../src/domain/volume-types/index.ts';
import { givenDecider } from '../given-when-then.ts';

const given = (...events: readonly VolumeTypesEvent[]) => givenDecider(volumeTypes.decider).given(...events);

const created = (typeId: string, name: string, extraSpecs: Record<string, string> = {}): VolumeTypesEvent => ({
  type: 'VolumeTypeCreated',
  data: { typeId, name, description: null, isPublic: true, extraSpecs },
});
const gold = created('t1', 'gold', { tier: 'gold' });
const silver = created('t2', 'silver');
const theDefault: VolumeTypesEvent = {
  type: 'VolumeTypeCreated',
  data: { typeId: 't0', name: '__DEFAULT__', description: 'Default Volume Type', isPublic: true, extraSpecs: {} },
};
const goldForA: VolumeTypesEvent = { type: 'DefaultVolumeTypeSet', data: { projectId: 'a', typeId: 't1' } };

const create = (typeId: string, name: string): VolumeTypesCommand => ({
  type: 'CreateVolumeType',
  typeId,
  name,
  description: 'fast',
  isPublic: false,
  extraSpecs: { tier: 'gold' },
});

describe('creating a volume type', () => {
  it('records all that was asked for', () => {
    given()
      .when(create('t1', 'gold'))
      .then({
        type: 'VolumeTypeCreated',
        data: { typeId: 't1', name: 'gold', description: 'fast', isPublic: false, extraSpecs: { tier: 'gold' } },
      });
  });

  it('refuses a name that is taken', () => {
    given(gold).when(create('t9', 'gold')).thenRejected('VolumeTypeExists', 'gold');
  });

  it('takes the name of a type that was deleted or renamed', () => {
    given(gold, { type: 'VolumeTypeDeleted', data: { typeId: 't1' } })
      .when(create('t9', 'gold'))
      .thenTypes('VolumeTypeCreated');
    given(gold, { type: 'VolumeTypeUpdated', data: { typeId: 't1', name: 'iron' } })
      .when(create('t9', 'gold'))
      .thenTypes('VolumeTypeCreated');
  });
});

describe('the default type', () => {
  it('is made once', () => {
    given().when({ type: 'EnsureDefaultType', typeId: 't0' }).then(theDefault);
    given(theDefault).when({ type: 'EnsureDefaultType', typeId: 't9' }).thenNothing();
  });

  it('stays the default under another name, and is not made again', () => {
    const renamed = given(
      theDefault,
      { type: 'VolumeTypeUpdated', data: { typeId: 't0', name: 'plain' } },
      created('t9', DEFAULT_TYPE_NAME),
    );
    renamed.when({ type: 'EnsureDefaultType', typeId: 't8' }).thenNothing();
    expect(defaultTypeFor(renamed.state, 'a')).toMatchObject({ id: 't0', name: 'plain' });
  });

  it("applies to a project without its own; a project's own comes first", () => {
    const { state } = given(theDefault, gold, goldForA);
    expect(defaultTypeFor(state, 'a')?.id).toBe('t1');
    expect(defaultTypeFor(state, 'b')?.id).toBe('t0');
  });

  it('is none before it was made', () => {
    expect(defaultTypeFor(given().state, 'a')).toBeNull();
  });

  it('has one id everywhere', () => {
    expect(DEFAULT_TYPE_ID).toBe('4fa18f71-4a9f-56a3-b5b1-d60ba75f559e');
  });
});

describe('updating a volume type', () => {
  it('records only what changes', () => {
    given(gold)
      .when({ type: 'UpdateVolumeType', typeId: 't1', name: 'platinum', description: 'best', isPublic: false })
      .then({
        type: 'VolumeTypeUpdated',
        data: { typeId: 't1', name: 'platinum', description: 'best', isPublic: false },
      });
    given(gold)
      .when({ type: 'UpdateVolumeType', typeId: 't1', name: 'gold', description: 'best', isPublic: true })
      .then({ type: 'VolumeTypeUpdated', data: { typeId: 't1', description: 'best' } });
  });

  it('changes nothing where all is so already', () => {
    given(gold).when({ type: 'UpdateVolumeType', typeId: 't1' }).thenNothing();
    given(gold)
      .when({ type: 'UpdateVolumeType', typeId: 't1', name: 'gold', description: null, isPublic: true })
      .thenNothing();
  });

  it('keeps what was not named', () => {
    const { state } = given(gold, {
      type: 'VolumeTypeUpdated',
      data: { typeId: 't1', description: 'best', isPublic: false },
    });
    expect(typeById(state, 't1')).toEqual({
      id: 't1',
      name: 'gold',
      description: 'best',
      isPublic: false,
      extraSpecs: { tier: 'gold' },
    });
  });

  it('refuses the name of another type', () => {
    given(gold, silver)
      .when({ type: 'UpdateVolumeType', typeId: 't1', name: 'silver' })
      .thenRejected('VolumeTypeExists', 'silver');
  });

  it('refuses a type that is not there', () => {
    given().when({ type: 'UpdateVolumeType', typeId: 't1', name: 'x' }).thenRejected('VolumeTypeNotFound', 't1');
  });
});

describe('deleting a volume type', () => {
  it('takes it away', () => {
    given(gold)
      .when({ type: 'DeleteVolumeType', typeId: 't1', inUse: false })
      .then({ type: 'VolumeTypeDeleted', data: { typeId: 't1' } });
    const { state } = given(gold, { type: 'VolumeTypeDeleted', data: { typeId: 't1' } });
    expect(typeById(state, 't1')).toBeNull();
    expect(typeByName(state, 'gold')).toBeNull();
  });

  it('refuses while volumes have it', () => {
    given(gold).when({ type: 'DeleteVolumeType', typeId: 't1', inUse: true }).thenRejected('VolumeTypeInUse', 't1');
  });

  it('refuses the default type and the default of a project', () => {
    given(theDefault)
      .when({ type: 'DeleteVolumeType', typeId: 't0', inUse: false })
      .thenRejected('VolumeTypeIsDefault', 't0');
    given(gold, goldForA)
      .when({ type: 'DeleteVolumeType', typeId: 't1', inUse: false })
      .thenRejected('VolumeTypeIsDefault', 't1');
  });

  it('is allowed again once no project has it as its default', () => {
    given(gold, goldForA, { type: 'DefaultVolumeTypeUnset', data: { projectId: 'a' } })
      .when({ type: 'DeleteVolumeType', typeId: 't1', inUse: false })
      .thenTypes('VolumeTypeDeleted');
  });

  it('refuses a type that is not there', () => {
    given().when({ type: 'DeleteVolumeType', typeId: 't1', inUse: false }).thenRejected('VolumeTypeNotFound', 't1');
  });
});

describe('extra specs', () => {
  it('are merged, and the event holds the whole', () => {
    given(gold)
      .when({
        type: 'SetExtraSpecs',
        typeId: 't1',
        extraSpecs: { tier: 'best', multiattach: '<is> True' },
        inUse: false,
      })
      .then({
        type: 'VolumeTypeExtraSpecsChanged',
        data: { typeId: 't1', extraSpecs: { tier: 'best', multiattach: '<is> True' } },
      });
  });

  it('that are so already change nothing', () => {
    given(gold)
      .when({ type: 'SetExtraSpecs', typeId: 't1', extraSpecs: { tier: 'gold' }, inUse: false })
      .thenNothing();
    given(gold).when({ type: 'SetExtraSpecs', typeId: 't1', extraSpecs: {}, inUse: false }).thenNothing();
  });

  it('are deleted by key', () => {
    given(created('t1', 'gold', { tier: 'gold', colour: 'red' }))
      .when({ type: 'DeleteExtraSpec', typeId: 't1', key: 'tier', inUse: false })
      .then({ type: 'VolumeTypeExtraSpecsChanged', data: { typeId: 't1', extraSpecs: { colour: 'red' } } });
  });

  it('are those of the last change', () => {
    const { state } = given(gold, {
      type: 'VolumeTypeExtraSpecsChanged',
      data: { typeId: 't1', extraSpecs: { colour: 'red' } },
    });
    expect(typeById(state, 't1')?.extraSpecs).toEqual({ colour: 'red' });
  });

  it.each(['colour', 'constructor'])('refuse to delete the key %s that is not there', (key) => {
    given(gold)
      .when({ type: 'DeleteExtraSpec', typeId: 't1', key, inUse: false })
      .thenRejected('VolumeTypeExtraSpecNotFound', key);
  });

  it('refuse to change while volumes have the type', () => {
    given(gold)
      .when({ type: 'SetExtraSpecs', typeId: 't1', extraSpecs: { a: 'b' }, inUse: true })
      .thenRejected('InvalidVolumeType', 'in use');
    given(gold)
      .when({ type: 'DeleteExtraSpec', typeId: 't1', key: 'tier', inUse: true })
      .thenRejected('InvalidVolumeType', 'in use');
  });

  it('refuse a type that is not there', () => {
    given()
      .when({ type: 'SetExtraSpecs', typeId: 't1', extraSpecs: {}, inUse: false })
      .thenRejected('VolumeTypeNotFound');
    given().when({ type: 'DeleteExtraSpec', typeId: 't1', key: 'a', inUse: false }).thenRejected('VolumeTypeNotFound');
  });
});

describe('the default type of a project', () => {
  it('is set, replaced, and set again without an event', () => {
    given(gold).when({ type: 'SetDefaultVolumeType', projectId: 'a', typeId: 't1' }).then(goldForA);
    given(gold, silver, goldForA)
      .when({ type: 'SetDefaultVolumeType', projectId: 'a', typeId: 't2' })
      .then({ type: 'DefaultVolumeTypeSet', data: { projectId: 'a', typeId: 't2' } });
    given(gold, goldForA).when({ type: 'SetDefaultVolumeType', projectId: 'a', typeId: 't1' }).thenNothing();
  });

  it('must be a type that is there', () => {
    given()
      .when({ type: 'SetDefaultVolumeType', projectId: 'a', typeId: 't1' })
      .thenRejected('InvalidVolumeType', 't1');
  });

  it('is unset, also where there is none', () => {
    given(gold, goldForA)
      .when({ type: 'UnsetDefaultVolumeType', projectId: 'a' })
      .then({ type: 'DefaultVolumeTypeUnset', data: { projectId: 'a' } });
    given(gold).when({ type: 'UnsetDefaultVolumeType', projectId: 'a' }).thenNothing();
  });
});

describe('a log that tells of a type it never made', () => {
  it('is folded without failing', () => {
    const { state } = given(
      { type: 'VolumeTypeUpdated', data: { typeId: 't1', name: 'x' } },
      { type: 'VolumeTypeExtraSpecsChanged', data: { typeId: 't1', extraSpecs: {} } },
      { type: 'VolumeTypeDeleted', data: { typeId: 't1' } },
    );
    expect(typeById(state, 't1')).toBeNull();
  });
});
