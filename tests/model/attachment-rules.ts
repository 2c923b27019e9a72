import {
  type Attachment,
  accepted,
  byAttachments,
  NOT_FOUND,
  type Project,
  refused,
  type Verdict,
  type Volume,
  visible,
  WRONG_STATE,
} from './model.ts';

/** The old attachment flow, which keeps the record; the client connects. */

/** Statuses that belong to operations: nobody attaches to what is being worked on. */
const WORKED_ON = ['creating', 'maintenance', 'extending', 'deleting', 'reverting'];

export type SimpleAttachmentAction = 'os-reserve' | 'os-unreserve' | 'os-begin_detaching' | 'os-roll_detaching';

export function attachmentAction(volume: Volume | null, project: Project, action: SimpleAttachmentAction): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  const { status } = seen;
  const become = (next: string): Verdict =>
    accepted(() => {
      seen.status = next;
    });
  switch (action) {
    case 'os-reserve':
      if (status === 'available' || (status === 'in-use' && seen.type.kind === 'multiattach'))
        return become('attaching');
      return WRONG_STATE;
    case 'os-unreserve':
      return become(status === 'attaching' ? byAttachments(seen) : status);
    case 'os-begin_detaching':
      return status === 'in-use' && seen.isAttached ? become('detaching') : WRONG_STATE;
    case 'os-roll_detaching':
      return become(status === 'detaching' ? 'in-use' : status);
  }
}

export function attachVolume(volume: Volume | null, project: Project, instance: string, mode: 'rw' | 'ro'): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  const { status, attachedMode } = seen;
  if (WORKED_ON.includes(status) || !seen.placed) return WRONG_STATE;
  if (seen.readonly === true && mode !== 'ro') return WRONG_STATE;
  if (status === 'attaching' && attachedMode !== null && attachedMode !== mode) return WRONG_STATE;
  const there = seen.attachments.find((one) => one.instance === instance);
  if (there === undefined && status === 'in-use' && seen.type.kind !== 'multiattach') return WRONG_STATE;
  return accepted(() => {
    if (there !== undefined && status === 'in-use') return;
    if (there === undefined) seen.attachments.push({ instance, mode });
    seen.attachedMode = there?.mode ?? mode;
    seen.readonly ??= false;
    seen.isAttached = true;
    seen.status = 'in-use';
  });
}

/** `instance` null: the only one there is; an unknown one ends nothing, but the status is worked out anew. */
export function detachVolume(volume: Volume | null, project: Project, instance: string | null): Verdict {
  const seen = visible(volume, project);
  if (seen === null) return NOT_FOUND;
  if (seen.status === 'maintenance' || (instance === null && seen.attachments.length > 1)) return WRONG_STATE;
  const ended = instance === null ? seen.attachments : seen.attachments.filter((one) => one.instance === instance);
  return accepted(() => detach(seen, ended));
}

function detach(volume: Volume, ended: readonly Attachment[]): void {
  volume.attachments = volume.attachments.filter((one) => !ended.includes(one));
  volume.isAttached = volume.attachments.length > 0;
  volume.attachedMode = null;
  const stays = WORKED_ON.includes(volume.status);
  if (stays) return;
  if (volume.isAttached) volume.status = 'in-use';
  else if (volume.placed && volume.status !== 'awaiting-transfer') volume.status = 'available';
}

export interface Reset {
  readonly status: string | null;
  readonly attached: boolean | null;
}

/** An administrator says what a volume is. */
export function resetStatus(volume: Volume | null, { status, attached }: Reset): Verdict {
  if (volume === null || volume.gone) return NOT_FOUND;
  if (status === null && attached === null) return refused(400);
  const attachments = attached === false ? [] : volume.attachments;
  if (status === 'in-use' && attachments.length === 0) return refused(400);
  return accepted(() => {
    // attachments that end make the status be worked out anew, unless one is given
    if (attached === false && volume.attachments.length > 0) detach(volume, volume.attachments);
    if (attached !== null) volume.isAttached = attached;
    if (status !== null) volume.status = status;
  });
}
