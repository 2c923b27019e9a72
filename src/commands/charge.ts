import { isDeepStrictEqual } from 'node:util';
import { getById, valuesOf } from '../domain/kernel/id-map.ts';
import { type Rejection, reject } from '../domain/kernel/rejection.ts';
import type { GiB } from '../domain/kernel/units.ts';
import type { Amounts, QuotaDefaults } from '../domain/quota/index.ts';
import { DEFAULT_QUOTA_CLASS, limitsOfClass } from '../domain/quota-classes/index.ts';
import type { VolumeCommand } from '../domain/volume/commands.ts';
import type { VolumeEvent } from '../domain/volume/events.ts';
import { hasLanded, volumeDecider } from '../domain/volume/index.ts';
import type { Volume } from '../domain/volume/state.ts';
import type { VolumeTypes } from '../domain/volume-types/index.ts';
import { StoreUnavailable } from '../ports/event-store.ts';
import { type CommandDependencies, followUp, refused, sendToVolume } from './dependencies.ts';
import type { CommandContext, Outcome, Rejected } from './handle.ts';
import {
  QUOTA_CLASSES_STREAM,
  quotaAggregate,
  quotaClassesAggregate,
  quotaStream,
  VOLUME_TYPES_STREAM,
  volumeAggregate,
  volumeStream,
  volumeTypesAggregate,
} from './streams.ts';

type Deps = Pick<CommandDependencies, 'handler' | 'ids' | 'defaults'>;

/** What a request costs, and whom. */
export interface Charge {
  readonly projectId: string;
  readonly amounts: Amounts;
  /** Checked against `per_volume_gigabytes`; null where nothing is to be checked. */
  readonly volumeSizeGiB: GiB | null;
  readonly reserved: boolean;
  readonly resource: 'volume' | 'snapshot' | 'growth';
}

/** The request itself: a command to a volume's stream that starts an operation. */
export interface Landing {
  readonly volumeId: string;
  readonly operationId: string;
  readonly command: VolumeCommand;
  /** What the charge was worked out from; a refusal where that has changed. */
  readonly provided?: (state: Volume) => Rejection | null;
  /**
   * Whether a refusal by the stream is final: then whoever finds the same charge under way may land the request as
   * well. Only a creation is so: its stream has nothing that could make it possible later.
   */
  readonly refusalIsFinal?: boolean;
  /** Its stream is known to be new. */
  readonly isNew?: boolean;
}

/** A request that may have been sent before. */
interface Asked {
  readonly volumeId: string;
  readonly operationId: string;
  readonly command: VolumeCommand['type'];
}

/** What the request did when it was sent before; null where it is new. A refusal where its id came with another body. */
export async function landedBefore(
  deps: Pick<CommandDependencies, 'handler' | 'onRefused'>,
  request: Asked,
  context: CommandContext,
): Promise<Outcome<Volume, VolumeEvent> | null> {
  const stream = volumeStream(request.volumeId);
  const repeat = await deps.handler.repeated(volumeAggregate, stream, context);
  if (repeat?.kind === 'rejected')
    return refused(deps, { stream, command: request.command }, repeat.rejection, context);
  if (repeat !== null) return repeat;
  const { state, position } = await deps.handler.load(volumeAggregate, stream);
  return hasLanded(state, request.operationId) ? { kind: 'accepted', events: [], state, position } : null;
}

/** What the stream would refuse as it stands: found out before anything is charged. */
export function refusalBefore(
  { clock }: Pick<CommandDependencies, 'clock'>,
  command: VolumeCommand,
  state: Volume,
): Rejected | null {
  const decision = volumeDecider.decide(command, state, clock.now());
  return decision.kind === 'rejected' ? decision : null;
}

/** Limits that apply where a project has none of its own, and names of types (contract/quota.md §2). */
export async function quotaDefaultsOf({
  handler,
  defaults,
}: Pick<Deps, 'handler' | 'defaults'>): Promise<QuotaDefaults> {
  const [classes, types] = await Promise.all([
    handler.load(quotaClassesAggregate, QUOTA_CLASSES_STREAM),
    handler.load(volumeTypesAggregate, VOLUME_TYPES_STREAM),
  ]);
  return {
    limits: { ...defaults.quotaLimits, ...limitsOfClass(classes.state, DEFAULT_QUOTA_CLASS) },
    typeNames: namesOf(types.state),
  };
}

const knownNames = new WeakMap<VolumeTypes, QuotaDefaults['typeNames']>();

/** Made once for each state of the types: every charge needs them. */
function namesOf(types: VolumeTypes): QuotaDefaults['typeNames'] {
  const known = knownNames.get(types);
  if (known !== undefined) return known;
  const names = Object.fromEntries(valuesOf(types.types).map(({ id, name }) => [id, name]));
  knownNames.set(types, names);
  return names;
}

/** The project is charged by another sending of this request, whose end is not known yet. */
const underWay = (operationId: string): Rejected => ({
  kind: 'rejected',
  rejection: reject('TryAgain', { reason: `Request ${operationId} is under way already.` }),
});

/**
 * What an earlier sending of a request has come to that would now be refused: what it did, or that its end is not known
 * yet; null where nothing is known of one. A refusal must not be told while its request may still land.
 */
export async function doneElsewhere(
  deps: Pick<CommandDependencies, 'handler' | 'onRefused'>,
  request: Asked,
  context: CommandContext,
): Promise<Outcome<Volume, VolumeEvent> | null> {
  // the charge first: where it has ended by now, what it was for is in the log
  const { state } = await deps.handler.load(quotaAggregate, quotaStream(context.actor.projectId));
  const isCharged = getById(state.open, request.operationId) !== undefined;
  const landed = await landedBefore(deps, request, context);
  return landed ?? (isCharged ? underWay(request.operationId) : null);
}

/**
 * Charges the project, then lands the request; a refused request gets its charge back at once. A process that dies in
 * between leaves an orphan, which is lapsed and returned within seconds (DESIGN section 3, ledgers).
 *
 * Only who made the charge may land the request and give the charge back: of two sendings of one request, the other
 * could otherwise land it while the first, refused, returns what it cost.
 */
export async function chargeAndLand(
  deps: Deps,
  charge: Charge,
  landing: Landing,
  context: CommandContext,
): Promise<Outcome<Volume, VolumeEvent>> {
  const { volumeId, operationId, command, provided, refusalIsFinal = false, isNew = false } = landing;
  const { projectId } = charge;
  const options = provided === undefined ? { isNew } : { provided, isNew };
  const land = () => sendToVolume(deps, volumeId, command, context, options);

  const charged = await deps.handler.handle(
    quotaAggregate,
    quotaStream(projectId),
    {
      type: 'ChargeQuota',
      operationId,
      landsIn: volumeStream(volumeId),
      defaults: await quotaDefaultsOf(deps),
      ...charge,
    },
    followUp(deps, context),
  );
  if (charged.kind === 'rejected') return charged;
  if (charged.events.length === 0) {
    const { state } = await deps.handler.load(volumeAggregate, volumeStream(volumeId));
    const open = getById(charged.state.open, operationId);
    const mayJoin = refusalIsFinal && isDeepStrictEqual(open?.amounts, charge.amounts);
    return hasLanded(state, operationId) || mayJoin ? land() : underWay(operationId);
  }

  const landed = await land();
  if (landed.kind === 'accepted') return landed;
  // Refused because another sending of the request landed first, with another body: the charge is that one's.
  if (landed.rejection.code === 'IdempotencyKeyReused') return landed;
  await returnAtOnce(deps, projectId, operationId, landed.rejection.code, context);
  return landed;
}

async function returnAtOnce(
  deps: Deps,
  projectId: string,
  operationId: string,
  reason: string,
  context: CommandContext,
): Promise<void> {
  try {
    await deps.handler.handle(
      quotaAggregate,
      quotaStream(projectId),
      { type: 'ReturnQuota', projectId, operationId, amounts: 'charge', reason },
      followUp(deps, context),
    );
  } catch (error) {
    // the charge is an orphan now, and found as one
    if (!(error instanceof StoreUnavailable)) throw error;
  }
}

const MAX_ATTEMPTS = 3;

/** Repeats a charged request whose volume changed between the charge and the landing. */
export async function untilUnchanged<Result extends { readonly kind: string }>(
  attempt: () => Promise<Result | Rejected>,
): Promise<Result | Rejected> {
  for (let attempts = 1; ; attempts += 1) {
    const result = await attempt();
    const changed = 'rejection' in result && result.rejection.details.changed === true;
    if (!changed || attempts >= MAX_ATTEMPTS) return result;
  }
}

/** The refusal of a request whose volume is no longer what the charge was worked out from. */
export const changedSinceCharged = (volumeId: string): Rejection =>
  reject('TryAgain', { reason: `Volume ${volumeId} changed while it was being asked for.`, changed: true });
