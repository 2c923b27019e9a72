import type { TransferDocument } from '../../projections/transfers.ts';
import type { Call } from '../call.ts';
import { resourceLinks } from '../links.ts';
import { apiTime } from '../times.ts';

/** How transfers look in answers; links are under the old name wherever they are asked for (operations.json). */

export const transferSummaryView = (
  call: Call,
  { id, volumeId, name }: Pick<TransferDocument, 'id' | 'volumeId' | 'name'>,
): object => ({
  id,
  volume_id: volumeId,
  name,
  links: resourceLinks(call, 'os-volume-transfer', id),
});

export function transferView(call: Call, transfer: TransferDocument): Record<string, unknown> {
  const view: Record<string, unknown> = {
    id: transfer.id,
    created_at: apiTime(transfer.createdAt),
    name: transfer.name,
    volume_id: transfer.volumeId,
    links: resourceLinks(call, 'os-volume-transfer', transfer.id),
  };
  if (call.microversion >= 55) view.no_snapshots = transfer.noSnapshots;
  if (call.microversion >= 57) {
    // only open transfers are shown: nobody has accepted one of these
    view.source_project_id = transfer.projectId;
    view.destination_project_id = null;
    view.accepted = false;
  }
  return view;
}
