import type { CommandContext } from '../../commands/handle.ts';
import type { VolumeDocument } from '../../projections/volumes.ts';
import { type Call, commandContextOf, settled, type Verdict } from '../call.ts';
import { badRequest } from '../faults.ts';
import type { PolicyRule } from '../policy.ts';
import type { AnyRoute } from '../route.ts';
import { volumeAction } from './action.ts';
import { attachBody, detachBody, forceDetachBody } from './schemas.ts';

type Simple = 'reserve' | 'unreserve' | 'beginDetaching' | 'rollDetaching';

/** An action without arguments: whatever its key holds is ignored. */
const simple = (name: Simple, id: string, action: string, policy: PolicyRule, summary: string): AnyRoute =>
  volumeAction({
    id,
    action,
    summary,
    status: 202,
    policy,
    handler: (call, { target }) =>
      send(call, target, (input, context) => call.deps.commands.attachments[name](input, context)),
  });

async function send(
  call: Call,
  { id }: VolumeDocument,
  command: (input: { readonly volumeId: string }, context: CommandContext) => Promise<Verdict>,
): Promise<void> {
  await settled(call, await command({ volumeId: id }, commandContextOf(call)));
}

/** The old attachment flow: actions that a compute service sends. */
export const volumeAttachRoutes: readonly AnyRoute[] = [
  simple(
    'reserve',
    'volume-reserve',
    'os-reserve',
    'volume_extension:volume_actions:reserve',
    'Mark a volume as being attached',
  ),
  simple(
    'unreserve',
    'volume-unreserve',
    'os-unreserve',
    'volume_extension:volume_actions:unreserve',
    'Undo a reserve',
  ),
  simple(
    'beginDetaching',
    'volume-begin-detaching',
    'os-begin_detaching',
    'volume_extension:volume_actions:begin_detaching',
    'Mark a volume as detaching',
  ),
  simple(
    'rollDetaching',
    'volume-roll-detaching',
    'os-roll_detaching',
    'volume_extension:volume_actions:roll_detaching',
    'Put a detaching volume back in use',
  ),
  volumeAction({
    id: 'volume-attach',
    action: 'os-attach',
    summary: 'Record an attachment (old flow)',
    status: 202,
    policy: 'volume_extension:volume_actions:attach',
    body: attachBody,
    handler: async (call, { body, target }) => {
      const {
        instance_uuid: instanceId = null,
        host_name: hostName = null,
        mountpoint,
        mode = 'rw',
      } = body['os-attach'];
      if (instanceId !== null && hostName !== null) {
        throw badRequest(
          'Invalid request to attach volume to an instance (instance_uuid) and a host (host_name) simultaneously',
        );
      }
      const attachment = { volumeId: target.id, instanceId, hostName, mountpoint, mode };
      await settled(call, await call.deps.commands.attachments.attach(attachment, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-detach',
    action: 'os-detach',
    summary: 'Clear an attachment (old flow)',
    status: 202,
    policy: 'volume_extension:volume_actions:detach',
    body: detachBody,
    handler: async (call, { body, target }) => {
      const detachment = { volumeId: target.id, attachmentId: body['os-detach']?.attachment_id ?? null };
      await settled(call, await call.deps.commands.attachments.detach(detachment, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-force-detach',
    action: 'os-force_detach',
    summary: 'Force an attachment away',
    status: 202,
    policy: [
      'volume_extension:volume_admin_actions:force_detach',
      'volume_extension:volume_actions:terminate_connection',
      'volume_extension:volume_actions:unreserve',
      'volume_extension:volume_actions:detach',
    ],
    body: forceDetachBody,
    handler: async (call, { body, target }) => {
      const detachment = { volumeId: target.id, attachmentId: body['os-force_detach']?.attachment_id ?? null };
      await settled(call, await call.deps.commands.attachments.detach(detachment, commandContextOf(call)));
    },
  }),
];
