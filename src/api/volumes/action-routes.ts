import { authorize, commandContextOf, settled } from '../call.ts';
import type { AnyRoute } from '../route.ts';
import { volumeAction } from './action.ts';
import { extendBody, readonlyBody, resetStatusBody, revertBody, setBootableBody } from './schemas.ts';
import { volumeOfPath } from './target.ts';

const EXTEND_ATTACHED = 42;
const RESET_STATUS = 'volume_extension:volume_admin_actions:reset_status';

/** Words of a reset that hold something; null and '' count as absent. */
const given = (word: string | null | undefined): string | undefined =>
  word === null || word === '' ? undefined : word;

/** Actions on the life and flags of a volume. */
export const volumeActionRoutes: readonly AnyRoute[] = [
  volumeAction({
    id: 'volume-extend',
    action: 'os-extend',
    summary: 'Grow a volume',
    status: 202,
    policy: 'volume:extend',
    body: extendBody,
    handler: async (call, { body, target }) => {
      const attachedAllowed = call.microversion >= EXTEND_ATTACHED;
      if (attachedAllowed && target.status === 'in-use')
        authorize(call, 'volume:extend_attached_volume', target.projectId);
      const extension = { volumeId: target.id, newSizeGiB: body['os-extend'].new_size, attachedAllowed };
      await settled(call, await call.deps.commands.volumes.extend(extension, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-reset-status',
    action: 'os-reset_status',
    summary: "Force a volume's status fields",
    status: 202,
    policy: RESET_STATUS,
    body: resetStatusBody,
    // who may not do it at all learns nothing of the volume (contract/errors.md §4)
    target: async (call) => {
      authorize(call, RESET_STATUS);
      return volumeOfPath(call);
    },
    handler: async (call, { body, target }) => {
      const { status, attach_status: attachStatus, migration_status: migrationStatus } = body['os-reset_status'];
      const reset = {
        volumeId: target.id,
        ...optional('status', given(status)),
        ...optional('attachStatus', given(attachStatus)),
        ...optional('migrationStatus', given(migrationStatus)),
      };
      await settled(call, await call.deps.commands.volumes.resetStatus(reset, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-revert',
    action: 'revert',
    since: 40,
    summary: 'Revert a volume to its newest snapshot',
    status: 202,
    policy: 'volume:revert_to_snapshot',
    body: revertBody,
    handler: async (call, { body, target }) => {
      const revert = { volumeId: target.id, snapshotId: body.revert.snapshot_id ?? '' };
      await settled(call, await call.deps.commands.volumes.revert(revert, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-force-delete',
    action: 'os-force_delete',
    summary: 'Delete a volume in any status',
    status: 202,
    policy: ['volume_extension:volume_admin_actions:force_delete', 'volume:delete'],
    handler: async (call, { target }) => {
      const deletion = { volumeId: target.id, cascade: false, force: true };
      await settled(call, await call.deps.commands.volumes.delete(deletion, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-set-bootable',
    action: 'os-set_bootable',
    summary: 'Set the bootable flag',
    status: 200,
    policy: 'volume:update',
    body: setBootableBody,
    handler: async (call, { body, target }) => {
      const flag = { volumeId: target.id, bootable: body['os-set_bootable'].bootable };
      await settled(call, await call.deps.commands.volumes.setBootable(flag, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-update-readonly',
    action: 'os-update_readonly_flag',
    summary: 'Set the read-only flag',
    status: 202,
    policy: 'volume:update_readonly_flag',
    body: readonlyBody,
    handler: async (call, { body, target }) => {
      const flag = { volumeId: target.id, readonly: body['os-update_readonly_flag'].readonly };
      await settled(call, await call.deps.commands.volumes.setReadonly(flag, commandContextOf(call)));
    },
  }),
];

/** A property only where it has a value. */
const optional = <K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, string>);
