import type { CommandContext } from '../commands/handle.ts';
import type { Rejection } from '../domain/kernel/rejection.ts';
import type { Position } from '../ports/event-store.ts';

/** What the API asks of the command side. Every command takes its input and who sends it. */
type Command<Input, Done = unknown> = (
  input: Input,
  context: CommandContext,
) => Promise<
  | ({ readonly kind: 'accepted'; readonly position: Position | null } & Done)
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
>;

type Pairs = Readonly<Record<string, string>>;
interface OfVolume {
  readonly volumeId: string;
}
interface OfSnapshot extends OfVolume {
  readonly snapshotId: string;
}

export interface VolumeCommands {
  readonly create: Command<
    {
      readonly name: string | null;
      readonly description: string | null;
      /** null: the source's. */
      readonly sizeGiB: number | null;
      /** Id or name; null: the default type. */
      readonly volumeType: string | null;
      readonly source:
        | { readonly kind: 'empty' }
        | { readonly kind: 'snapshot'; readonly snapshotId: string; readonly volumeId: string }
        | { readonly kind: 'volume'; readonly volumeId: string };
      readonly availabilityZone: string | null;
      readonly metadata: Pairs;
      readonly schedulerHints: Readonly<Record<string, unknown>>;
    },
    { readonly volumeId: string }
  >;
  readonly delete: Command<OfVolume & { readonly cascade: boolean; readonly force: boolean }>;
  readonly extend: Command<OfVolume & { readonly newSizeGiB: number; readonly attachedAllowed: boolean }>;
  readonly revert: Command<OfSnapshot>;
  readonly resetStatus: Command<
    OfVolume & { readonly status?: string; readonly attachStatus?: string; readonly migrationStatus?: string }
  >;
  readonly update: Command<
    OfVolume & { readonly name?: string | null; readonly description?: string | null; readonly metadata?: Pairs }
  >;
  readonly setMetadata: Command<OfVolume & { readonly metadata: Pairs; readonly replace: boolean }>;
  readonly deleteMetadata: Command<OfVolume & { readonly key: string }>;
  readonly setImageMetadata: Command<OfVolume & { readonly metadata: Pairs }>;
  readonly unsetImageMetadata: Command<OfVolume & { readonly key: string }>;
  readonly setBootable: Command<OfVolume & { readonly bootable: boolean }>;
  readonly setReadonly: Command<OfVolume & { readonly readonly: boolean }>;
}

export interface AttachmentCommands {
  readonly reserve: Command<OfVolume>;
  readonly unreserve: Command<OfVolume>;
  readonly beginDetaching: Command<OfVolume>;
  readonly rollDetaching: Command<OfVolume>;
  readonly attach: Command<
    OfVolume & {
      readonly instanceId: string | null;
      readonly hostName: string | null;
      readonly mountpoint: string;
      readonly mode: 'rw' | 'ro';
    }
  >;
  readonly detach: Command<OfVolume & { readonly attachmentId: string | null }>;
}

export interface SnapshotCommands {
  readonly create: Command<
    OfVolume & {
      readonly name: string | null;
      readonly description: string | null;
      readonly metadata: Pairs;
      /** An attached volume may be snapshotted. */
      readonly inUseAllowed: boolean;
    },
    { readonly snapshotId: string }
  >;
  readonly delete: Command<OfSnapshot & { readonly force: boolean }>;
  readonly update: Command<OfSnapshot & { readonly name?: string | null; readonly description?: string | null }>;
  readonly setMetadata: Command<OfSnapshot & { readonly metadata: Pairs; readonly replace: boolean }>;
  readonly deleteMetadata: Command<OfSnapshot & { readonly key: string }>;
  readonly resetStatus: Command<OfSnapshot & { readonly status: string }>;
  readonly updateStatus: Command<OfSnapshot & { readonly status: string; readonly progress: string | null }>;
}

export interface TransferCommands {
  readonly create: Command<
    OfVolume & { readonly name: string | null; readonly noSnapshots: boolean },
    { readonly transferId: string; readonly authKey: string }
  >;
  readonly accept: Command<OfVolume & { readonly transferId: string; readonly authKey: string }>;
  readonly delete: Command<OfVolume & { readonly transferId: string }>;
}
