import type { Things } from './things.ts';

/**
 * A good body for every route that takes one, by the route's id: everything that is wrong is made from these. A route
 * that is missing here is named by the test. Values may name things that are there.
 */
export const SAMPLE_BODIES: Readonly<Record<string, (things: Things) => Readonly<Record<string, unknown>>>> = {
  'volumes-create': ({ snapshotId }) => ({
    volume: {
      size: 1,
      name: 'a name',
      description: 'a description',
      volume_type: '__DEFAULT__',
      availability_zone: 'nova',
      metadata: { key: 'value' },
      multiattach: false,
      snapshot_id: snapshotId,
    },
    'OS-SCH-HNT:scheduler_hints': { same_host: 'none' },
  }),
  'volumes-update': () => ({ volume: { name: 'n', description: 'd', metadata: { key: 'value' } } }),
  'volume-metadata-create': () => ({ metadata: { key: 'value' } }),
  'volume-metadata-replace': () => ({ metadata: { key: 'value' } }),
  'volume-metadata-update-key': () => ({ meta: { key: 'value' } }),
  'volume-extend': () => ({ 'os-extend': { new_size: 2 } }),
  'volume-reset-status': () => ({
    'os-reset_status': { status: 'available', attach_status: 'detached', migration_status: 'none' },
  }),
  'volume-revert': ({ snapshotId }) => ({ revert: { snapshot_id: snapshotId } }),
  'volume-set-bootable': () => ({ 'os-set_bootable': { bootable: true } }),
  'volume-update-readonly': () => ({ 'os-update_readonly_flag': { readonly: true } }),
  'volume-image-metadata-set': () => ({ 'os-set_image_metadata': { metadata: { key: 'value' } } }),
  'volume-image-metadata-unset': () => ({ 'os-unset_image_metadata': { key: 'key' } }),
  'volume-attach': () => ({
    'os-attach': { instance_uuid: '95d9ef50-507d-11e5-b970-0800200c9a66', mountpoint: '/dev/vdc', mode: 'rw' },
  }),
  'volume-detach': () => ({ 'os-detach': { attachment_id: 'd8777f54-84cf-4809-a679-468ffed56cf1' } }),
  'volume-force-detach': () => ({
    'os-force_detach': { attachment_id: 'd8777f54-84cf-4809-a679-468ffed56cf1', connector: { initiator: 'iqn' } },
  }),
  'snapshots-create': ({ volumeId }) => ({
    snapshot: { volume_id: volumeId, name: 'n', description: 'd', metadata: { key: 'value' } },
  }),
  'snapshots-update': () => ({ snapshot: { name: 'n', description: 'd' } }),
  'snapshot-metadata-create': () => ({ metadata: { key: 'value' } }),
  'snapshot-metadata-replace': () => ({ metadata: { key: 'value' } }),
  'snapshot-metadata-update-key': () => ({ meta: { key: 'value' } }),
  'snapshot-reset-status': () => ({ 'os-reset_status': { status: 'available' } }),
  'snapshot-update-status': () => ({ 'os-update_snapshot_status': { status: 'creating', progress: '10%' } }),
  'transfers-create': ({ volumeId }) => ({ transfer: { volume_id: volumeId, name: 'n', no_snapshots: true } }),
  'transfers-accept': () => ({ accept: { auth_key: '0123456789abcdef' } }),
  'os-transfers-create': ({ volumeId }) => ({ transfer: { volume_id: volumeId, name: 'n' } }),
  'os-transfers-accept': () => ({ accept: { auth_key: '0123456789abcdef' } }),
  'types-create': () => ({
    volume_type: {
      name: 'another',
      description: 'd',
      extra_specs: { key: 'value' },
      'os-volume-type-access:is_public': true,
    },
  }),
  'types-update': () => ({ volume_type: { name: 'n', description: 'd', is_public: true } }),
  'type-extra-specs-create': () => ({ extra_specs: { key: 'value' } }),
  'type-extra-specs-update': () => ({ key: 'value' }),
  'default-types-set': () => ({ default_type: { volume_type: '__DEFAULT__' } }),
  'quota-update': () => ({ quota_set: { volumes: 10, gigabytes: 100 } }),
  'quota-class-update': () => ({ quota_class_set: { volumes: 10, gigabytes: 100 } }),
  'services-enable': () => ({ host: 'nowhere@file', binary: 'cinder-volume' }),
  'services-disable': () => ({ host: 'nowhere@file', binary: 'cinder-volume' }),
  'services-disable-log-reason': () => ({ host: 'nowhere@file', binary: 'cinder-volume', disabled_reason: 'why' }),
  'services-freeze': () => ({ host: 'nowhere@file' }),
  'services-thaw': () => ({ host: 'nowhere@file' }),
  'hosts-update': () => ({ status: 'enable' }),
  'operations-retry': () => ({ retry: {} }),
  'operations-abandon': () => ({ abandon: {} }),
  'projections-rebuild': () => ({ rebuild: { names: ['volumes'] } }),
  'projection-rebuild': () => ({ rebuild: {} }),
};

/** A route whose body is one pair of any name: what is too much or missing there has no name to give. */
export const ONE_PAIR: ReadonlySet<string> = new Set(['type-extra-specs-update']);

/** Routes that answer 400 to every body, as in the original: there is no good one. */
export const WITHOUT_GOOD_BODY: ReadonlySet<string> = new Set([
  'types-action-create',
  'types-action-update',
  'types-action-delete',
  'hosts-update-collection',
]);
