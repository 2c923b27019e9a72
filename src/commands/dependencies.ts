import { randomBytes, randomUUID } from 'node:crypto';
import { customAlphabet } from 'nanoid';
import type { DomainEvent } from '../domain/kernel/event.ts';
import { type Rejection, reject } from '../domain/kernel/rejection.ts';
import type { ZoneOptions } from '../domain/placement/zones.ts';
import type { Amounts } from '../domain/quota/index.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import type { VolumeEvent } from '../domain/volume/events.ts';
import type { LiveVolume, Volume } from '../domain/volume/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Position } from '../ports/event-store.ts';
import type {
  Accepted,
  CommandContext,
  CommandHandler,
  HandleOptions,
  Outcome,
  RefusalSink,
  Rejected,
} from './handle.ts';
import { volumeAggregate, volumeStream } from './streams.ts';

/** Where ids and secrets come from. */
export interface Ids {
  /** A UUID. */
  newId(): string;
  /** 16 hexadecimal digits, shown once. */
  authKey(): string;
  salt(): string;
}

const hexadecimal16 = customAlphabet('0123456789abcdef', 16);

export const randomIds: Ids = {
  newId: () => randomUUID(),
  authKey: () => hexadecimal16(),
  salt: () => randomBytes(8).toString('hex'),
};

/** A service that owns a backend: its zone, and `host@backend`. */
export interface VolumeService {
  readonly host: string;
  readonly availabilityZone: string;
}

/** What all commands stand on; the composition root fills it. */
export interface CommandDependencies {
  readonly handler: CommandHandler;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly defaults: {
    /** The configured limits by resource key (contract/quota.md §1), below the class named `default`. */
    readonly quotaLimits: Amounts;
    /** Placement options as they are now: their file may change. */
    readonly zones: () => ZoneOptions;
  };
  /** The services that own backends and may be used. */
  readonly volumeServices: () => Promise<readonly VolumeService[]>;
  /** Whether a volume has this type, as the read models know it. */
  readonly isTypeInUse: (typeId: string) => Promise<boolean>;
  /** Keeps the audit fact of what a rule refused before any stream was asked; the handler has the same sink. */
  readonly onRefused?: RefusalSink;
}

export type CommandResult<Facts = unknown> =
  /** The read models show it once they have `position`; null where nothing was ever written. */
  ({ readonly kind: 'accepted'; readonly position: Position | null } & Facts) | Rejected;

/** What an accepted command to a volume tells. */
export interface VolumeFacts {
  readonly volumeId: string;
  /** As it is after the command; null where it is gone. */
  readonly volume: LiveVolume | null;
}

/** What an accepted command tells that starts an operation. */
export interface OperationFacts extends VolumeFacts {
  readonly operationId: string;
}

/** Notes a refusal that was decided outside a stream, and hands it back. */
export function refused(
  deps: Pick<CommandDependencies, 'onRefused'>,
  at: { readonly stream: string; readonly command: string },
  rejection: Rejection,
  context: CommandContext,
): Rejected {
  deps.onRefused?.({ ...at, rejection, context });
  return { kind: 'rejected', rejection };
}

/** A command of the same request on another stream, or a second one on the same: under an id of its own. */
export const followUp = (deps: Pick<CommandDependencies, 'ids'>, context: CommandContext): CommandContext => {
  const { requestHash: _, ...rest } = context;
  return { ...rest, commandId: deps.ids.newId(), causationId: context.commandId };
};

/** Sends a command to a volume's stream; a volume that is not there is named by the id that was asked for. */
export async function sendToVolume(
  deps: Pick<CommandDependencies, 'handler'>,
  volumeId: string,
  command: VolumeCommand,
  context: CommandContext,
  options?: HandleOptions<Volume>,
): Promise<Outcome<Volume, VolumeEvent>> {
  const outcome = await deps.handler.handle(volumeAggregate, volumeStream(volumeId), command, context, options);
  if (outcome.kind === 'accepted' || outcome.rejection.code !== 'VolumeNotFound') return outcome;
  return { kind: 'rejected', rejection: reject('VolumeNotFound', { id: volumeId }) };
}

/** The live volume of a stream, and the whole state it is in; null where there is none (any more). */
export async function loadVolume(
  { handler }: Pick<CommandDependencies, 'handler'>,
  volumeId: string,
): Promise<{ readonly state: Volume; readonly volume: LiveVolume | null }> {
  const { state } = await handler.load(volumeAggregate, volumeStream(volumeId));
  const { volume } = state;
  return { state, volume: volume === null || volume.deleted ? null : volume };
}

/** What an accepted outcome tells of the volume. */
export const factsOf = (
  volumeId: string,
  { state, position }: Accepted<Volume, VolumeEvent>,
): VolumeFacts & { readonly kind: 'accepted'; readonly position: Position | null } => {
  const volume = state.volume === null || state.volume.deleted ? null : state.volume;
  return { kind: 'accepted', position, volumeId, volume };
};

export const volumeFacts = (volumeId: string, outcome: Outcome<Volume, VolumeEvent>): CommandResult<VolumeFacts> =>
  outcome.kind === 'rejected' ? outcome : factsOf(volumeId, outcome);

export const operationFacts = (
  volumeId: string,
  operationId: string,
  outcome: Outcome<Volume, VolumeEvent>,
): CommandResult<OperationFacts> =>
  outcome.kind === 'rejected' ? outcome : { ...factsOf(volumeId, outcome), operationId };

/** The result of a command that has nothing to tell but that it is done. */
export const plainResult = (outcome: Outcome<unknown, DomainEvent>): CommandResult =>
  outcome.kind === 'rejected' ? outcome : { kind: 'accepted', position: outcome.position };

/** Whether whoever sent this is an administrator (contract/errors.md §4: the role, in any project). */
export const isAdmin = ({ actor }: CommandContext): boolean => actor.roles.includes('admin');
