import type { VolumeDocument } from '../../projections/volumes.ts';
import { type Call, can } from '../call.ts';
import { resourceLinks } from '../links.ts';
import { apiTime, apiTimeOrNull } from '../times.ts';

/** How volumes look in answers (operations.json `volume`, `volume-full`, `volume-summary-item`). */

/** Statuses that clients see under another name. */
const SHOWN_STATUS: Readonly<Record<string, string>> = {
  managing: 'creating',
  error_managing: 'error',
  error_managing_deleting: 'deleting',
};

export const volumeSummaryView = (call: Call, { id, name }: VolumeDocument): object => ({
  id,
  name,
  links: resourceLinks(call, 'volumes', id),
});

/** A volume as create and update answer it. `typeName` is null when its type is gone. */
export function volumeView(call: Call, volume: VolumeDocument, typeName: string | null): object {
  return fields(call, volume, typeName);
}

/** A volume as show and the detailed list answer it: with the attributes that policies guard. */
export function volumeFullView(call: Call, volume: VolumeDocument, typeName: string | null): object {
  const view = fields(call, volume, typeName);
  if (can(call, 'volume_extension:volume_host_attribute', volume.projectId))
    view['os-vol-host-attr:host'] = volume.host;
  if (can(call, 'volume_extension:volume_tenant_attribute', volume.projectId)) {
    view['os-vol-tenant-attr:tenant_id'] = volume.projectId;
  }
  if (can(call, 'volume_extension:volume_mig_status_attribute', volume.projectId)) {
    view['os-vol-mig-status-attr:migstat'] = volume.migrationStatus;
    view['os-vol-mig-status-attr:name_id'] = null;
  }
  if (hasAny(volume.imageMetadata) && can(call, 'volume_extension:volume_image_metadata:show', volume.projectId)) {
    view.volume_image_metadata = volume.imageMetadata;
  }
  return view;
}

function fields(call: Call, volume: VolumeDocument, typeName: string | null): Record<string, unknown> {
  const { microversion, caller } = call;
  const { isAdmin } = caller;
  const view: Record<string, unknown> = {
    id: volume.id,
    status: SHOWN_STATUS[volume.status] ?? volume.status,
    size: volume.sizeGiB,
    availability_zone: volume.availabilityZone,
    created_at: apiTime(volume.createdAt),
    updated_at: apiTimeOrNull(volume.updatedAt),
    name: volume.name,
    description: volume.description,
    volume_type: typeName ?? (microversion < 63 ? volume.volumeTypeId : null),
    snapshot_id: volume.snapshotId,
    source_volid: volume.sourceVolumeId,
    metadata: hasAny(volume.adminMetadata) ? { ...volume.metadata, ...volume.adminMetadata } : volume.metadata,
    links: resourceLinks(call, 'volumes', volume.id),
    user_id: volume.userId,
    bootable: volume.bootable ? 'true' : 'false',
    encrypted: false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: attachmentViews(volume, isAdmin),
  };
  if (isAdmin) view.migration_status = volume.migrationStatus;
  if (microversion < 13) return view;
  view.group_id = volume.groupId;
  if (isAdmin && microversion >= 21) view.provider_id = volume.providerId;
  if (microversion < 48) return view;
  view.service_uuid = volume.serviceUuid;
  // null (the client locks always) is shown as true to clients that do not know it
  view.shared_targets = microversion < 69 ? (volume.sharedTargets ?? true) : volume.sharedTargets;
  if (isAdmin && microversion >= 61) view.cluster_name = null;
  if (microversion >= 63) view.volume_type_id = volume.volumeTypeId;
  if (microversion >= 65) view.consumes_quota = volume.consumesQuota;
  return view;
}

const attachmentViews = ({ id, attachments }: VolumeDocument, isAdmin: boolean): readonly object[] =>
  attachments.map((attachment) => ({
    id,
    attachment_id: attachment.id,
    volume_id: id,
    server_id: attachment.instanceId,
    host_name: isAdmin ? attachment.hostName : null,
    device: attachment.mountpoint,
    attached_at: apiTime(attachment.attachedAt),
  }));

function hasAny(pairs: Readonly<Record<string, string>>): boolean {
  for (const _ in pairs) return true;
  return false;
}
