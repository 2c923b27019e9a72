import type { Rejection } from '../../domain/kernel/rejection.ts';
import type { VolumeEventOf } from '../../domain/volume/events.ts';
import type { KeyedCommandDocument } from '../../projections/keyed-commands.ts';
import type { TransferDocument } from '../../projections/transfers.ts';
import { type Call, can, commandContextOf, param, settled } from '../call.ts';
import { notFound } from '../faults.ts';
import { listBody } from '../list.ts';
import { answersNothing, eventOf } from '../repeat.ts';
import { type AnyRoute, route } from '../route.ts';
import { visibleVolume } from '../volumes/target.ts';
import { listTransfers, transferNotFound } from './listing.ts';
import { acceptBody, createOldTransferBody, createTransferBody } from './schemas.ts';
import { transferSummaryView, transferView } from './views.ts';

/** The same operations under two names: `volume-transfers`, and `os-volume-transfer`, which came first. */
type Generation = 'current' | 'old';

/** The donor's transfer; others do not find it (contract/errors.md §4). */
async function transferOfPath(call: Call): Promise<TransferDocument> {
  const transfer = await findTransfer(call);
  if (!can(call, 'volume:get_transfer', transfer.projectId)) throw notFound(transferNotFound(transfer.id));
  return transfer;
}

/** Any project's transfer: whoever knows id and key may accept it. */
async function findTransfer(call: Call): Promise<TransferDocument> {
  const id = param(call, 'transfer_id');
  const transfer = await call.deps.queries.transfers.get(id);
  if (transfer === null) throw notFound(transferNotFound(id));
  return transfer;
}

/** The offer as it was when it was accepted: it is gone since. */
function acceptedTransfer(done: KeyedCommandDocument): Pick<TransferDocument, 'id' | 'volumeId' | 'name'> {
  const {
    transferId: id,
    volumeId,
    name = null,
  } = eventOf<VolumeEventOf<'TransferAccepted'>>(done, 'TransferAccepted').data;
  return { id, volumeId, name };
}

/** Acceptance prints over-quota texts without the name of their class (contract/errors.md §3). */
const withoutClassName = (rejection: Rejection): Rejection => ({
  ...rejection,
  message: rejection.message.replace(/^[A-Z]\w+(?:Exceeded|Quota|Limit): /, ''),
});

function transferRoutesOf(generation: Generation): readonly AnyRoute[] {
  const path = generation === 'current' ? '/volume-transfers' : '/os-volume-transfer';
  const prefix = generation === 'current' ? 'transfers' : 'os-transfers';
  return [
    route({
      id: `${prefix}-list`,
      method: 'GET',
      path,
      summary: 'List transfers, brief',
      status: 200,
      policy: 'volume:get_all_transfers',
      handler: async (call) => {
        const listed = await listTransfers(call, generation);
        const items = listed.documents.map((transfer) => transferSummaryView(call, transfer));
        return listBody('transfers', items, listed);
      },
    }),
    route({
      id: `${prefix}-list-detail`,
      method: 'GET',
      path: `${path}/detail`,
      summary: 'List transfers with details',
      status: 200,
      policy: 'volume:get_all_transfers',
      handler: async (call) => {
        const listed = await listTransfers(call, generation);
        const items = listed.documents.map((transfer) => transferView(call, transfer));
        return listBody('transfers', items, listed);
      },
    }),
    route({
      id: `${prefix}-create`,
      method: 'POST',
      path,
      summary: 'Offer a volume to another project',
      status: 202,
      policy: 'volume:create_transfer',
      body: generation === 'current' ? createTransferBody : createOldTransferBody,
      target: (call, { transfer }) => visibleVolume(call, transfer.volume_id),
      handler: async (call, { body: { transfer }, target: volume }) => {
        const offer = { volumeId: volume.id, name: transfer.name ?? null, noSnapshots: transfer.no_snapshots };
        const outcome = await call.deps.commands.transfers.create(offer, commandContextOf(call));
        const { transferId, authKey } = await settled(call, outcome);
        const shown = await call.deps.queries.transfers.get(transferId);
        const createdAt = shown?.createdAt ?? call.deps.clock.now();
        const created = { id: transferId, projectId: volume.projectId, createdAt, ...offer };
        return { transfer: { ...transferView(call, created), auth_key: authKey } };
      },
    }),
    route({
      id: `${prefix}-show`,
      method: 'GET',
      path: `${path}/{transfer_id}`,
      summary: 'Show a transfer',
      status: 200,
      policy: 'volume:get_transfer',
      target: transferOfPath,
      handler: (call, { target }) => ({ transfer: transferView(call, target) }),
    }),
    route({
      id: `${prefix}-delete`,
      method: 'DELETE',
      path: `${path}/{transfer_id}`,
      summary: 'Withdraw a transfer',
      status: 202,
      policy: 'volume:delete_transfer',
      target: transferOfPath,
      handler: async (call, { target }) => {
        const withdrawal = { transferId: target.id, volumeId: target.volumeId };
        await settled(call, await call.deps.commands.transfers.delete(withdrawal, commandContextOf(call)));
      },
      again: answersNothing,
    }),
    route({
      id: `${prefix}-accept`,
      method: 'POST',
      path: `${path}/{transfer_id}/accept`,
      summary: 'Accept a transfer',
      status: 202,
      policy: 'volume:accept_transfer',
      body: acceptBody,
      target: async (call) => ({ transfer: await findTransfer(call) }),
      handler: async (call, { body, target: { transfer } }) => {
        const acceptance = { transferId: transfer.id, volumeId: transfer.volumeId, authKey: body.accept.auth_key };
        const outcome = await call.deps.commands.transfers.accept(acceptance, commandContextOf(call));
        await settled(
          call,
          outcome.kind === 'rejected' ? { ...outcome, rejection: withoutClassName(outcome.rejection) } : outcome,
        );
        return { transfer: transferSummaryView(call, transfer) };
      },
      again: (call, done) => ({ transfer: transferSummaryView(call, acceptedTransfer(done)) }),
    }),
  ];
}

export const transferRoutes: readonly AnyRoute[] = [...transferRoutesOf('current'), ...transferRoutesOf('old')];
