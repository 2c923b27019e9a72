import fc from 'fast-check';
import {
  attachmentAction,
  attachVolume,
  detachVolume,
  resetStatus,
  type SimpleAttachmentAction,
} from './attachment-rules.ts';
import { dropLimits, setLimit, type Type } from './model.ts';
import { acceptTransfer, createTransfer, createType, deleteTransfer, deleteType } from './other-rules.ts';
import { actor, idOf, index, on, type Plan, pick, project, short, some, t, v, who } from './planned.ts';

const INSTANCES = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'] as const;
const instance = fc.constantFrom(...INSTANCES);

const attach = fc.record({ who, n: index, instance, mode: fc.constantFrom('rw' as const, 'ro' as const), short }).map(
  ({ who, n, instance, mode, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      const body = { 'os-attach': { instance_uuid: instance, mountpoint: '/dev/vdb', mode } };
      return {
        shown: `${project} attaches ${v(model, volume)} to server ${instance[0]}, ${mode}`,
        ask: on(volume, body, { project, short }),
        verdict: attachVolume(volume, project, instance, mode),
        on: some(volume),
      };
    },
);

const simple = fc
  .record({
    who,
    n: index,
    action: fc.constantFrom<SimpleAttachmentAction>(
      'os-reserve',
      'os-unreserve',
      'os-begin_detaching',
      'os-roll_detaching',
    ),
    short,
  })
  .map(
    ({ who, n, action, short }): Plan =>
      (model) => {
        const volume = pick(model.volumes, n);
        const project = actor(who, volume);
        return {
          shown: `${project} ${action} ${v(model, volume)}`,
          ask: on(volume, { [action]: null }, { project, short }),
          verdict: attachmentAction(volume, project, action),
          on: some(volume),
          harmless: true,
        };
      },
  );

const detach = fc.record({ who, n: index, which: fc.option(instance), force: fc.boolean(), short }).map(
  ({ who, n, which, force, short }): Plan =>
    async (model, real) => {
      const volume = pick(model.volumes, n);
      // only an administrator may force it, and he sees the volumes of every project
      const project = actor(force ? 'owner' : who, volume);
      // the id of an attachment is told by nothing but the volume
      const shown =
        which === null
          ? null
          : await real.ask({ method: 'GET', path: `/volumes/${idOf(volume)}`, project, admin: true });
      const attachments: readonly { server_id: string; attachment_id: string }[] =
        shown?.json?.volume?.attachments ?? [];
      const id = attachments.find(({ server_id: server }) => server === which)?.attachment_id ?? idOf(null);
      return {
        shown: `${project} ${force ? 'forces' : 'detaches'} ${v(model, volume)} from ${which === null ? 'the only server' : `server ${which[0]}`}`,
        ask: on(
          volume,
          { [force ? 'os-force_detach' : 'os-detach']: which === null ? null : { attachment_id: id } },
          { project, admin: force, short },
        ),
        verdict: detachVolume(volume, project, which),
        on: some(volume),
        harmless: true,
      };
    },
);

const STATUSES = [
  'available',
  'error',
  'in-use',
  'maintenance',
  'error_extending',
  'awaiting-transfer',
  'reserved',
  'creating',
];

const reset = fc
  .record({
    who,
    n: index,
    status: fc.option(fc.constantFrom('available', ...STATUSES)),
    attached: fc.constantFrom(null, null, null, false, true),
    short,
  })
  .map(
    ({ who, n, status, attached, short }): Plan =>
      (model) => {
        const volume = pick(model.volumes, n);
        const project = actor(who, volume);
        const fields = {
          ...(status === null ? {} : { status }),
          ...(attached === null ? {} : { attach_status: attached ? 'attached' : 'detached' }),
        };
        return {
          shown: `${project} resets ${v(model, volume)} to ${JSON.stringify(fields)}`,
          ask: on(volume, { 'os-reset_status': fields }, { project, admin: true, short }),
          verdict: resetStatus(volume, { status, attached }),
          on: some(volume),
          overrides: true,
        };
      },
  );

const offer = fc.record({ who, n: index, noSnapshots: fc.boolean(), short }).map(
  ({ who, n, noSnapshots, short }): Plan =>
    (model) => {
      const volume = pick(model.volumes, n);
      const project = actor(who, volume);
      const transfer = { volume_id: idOf(volume), no_snapshots: noSnapshots };
      return {
        shown: `${project} offers ${v(model, volume)}${noSnapshots ? ' without its snapshots' : ''}`,
        ask: { method: 'POST', path: '/volume-transfers', body: { transfer }, project, short },
        verdict: createTransfer(model, volume, project, noSnapshots),
        on: some(volume),
      };
    },
);

const accept = fc.record({ who, n: index, short }).map(
  ({ who, n, short }): Plan =>
    (model) => {
      const transfer = pick(model.transfers, n);
      const project = actor(who, transfer === null ? null : { project: transfer.donor === 'a' ? 'b' : 'a' });
      const key = n % 7 === 0 ? 'ffffffffffffffff' : (transfer?.key ?? 'none');
      return {
        shown: `${project} accepts ${t(model, transfer)} with ${key === transfer?.key ? 'its' : 'a wrong'} key`,
        ask: {
          method: 'POST',
          path: `/volume-transfers/${idOf(transfer)}/accept`,
          body: { accept: { auth_key: key } },
          project,
          short,
        },
        verdict: acceptTransfer(model, transfer, project, key),
        on: transfer === null ? [] : [transfer, transfer.volume],
        starts: true,
        counts: true,
      };
    },
);

const withdraw = fc.record({ who, n: index, short }).map(
  ({ who, n, short }): Plan =>
    (model) => {
      const transfer = pick(model.transfers, n);
      const project = actor(who, transfer === null ? null : { project: transfer.donor });
      return {
        shown: `${project} withdraws ${t(model, transfer)}`,
        ask: { method: 'DELETE', path: `/volume-transfers/${idOf(transfer)}`, project, short },
        verdict: deleteTransfer(transfer, project),
        on: transfer === null ? [] : [transfer, transfer.volume],
      };
    },
);

const limit = fc
  .record({
    project,
    key: fc.constantFrom('volumes', 'snapshots', 'gigabytes', 'gigabytes', 'per_volume_gigabytes'),
    value: fc.constantFrom(-1, -1, 0, 2, 3, 5, 8, 20),
    n: fc.option(index),
    short,
  })
  .map(
    ({ project, key, value, n, short }): Plan =>
      (model, real) => {
        const type = n === null || key === 'per_volume_gigabytes' ? null : pick(model.types, n);
        const name = type === null || type.gone ? key : `${key}_${type.name}`;
        const path = `/os-quota-sets/${real.projectIds[project]}`;
        return {
          shown: `the limit of ${project} on ${name} is set to ${value}`,
          ask: { method: 'PUT', path, body: { quota_set: { [name]: value } }, project, admin: true, short },
          verdict: setLimit(model, project, name, value),
          on: [],
          counts: true,
        };
      },
  );

const noLimits = fc.record({ project, short }).map(
  ({ project, short }): Plan =>
    (model, real) => ({
      shown: `${project} has no limits of its own any more`,
      ask: { method: 'DELETE', path: `/os-quota-sets/${real.projectIds[project]}`, project, admin: true, short },
      verdict: dropLimits(model, project),
      on: [],
    }),
);

const SPECS: Readonly<Record<Type['kind'], object>> = {
  plain: {},
  multiattach: { multiattach: '<is> True' },
  unplaceable: { volume_backend_name: 'nowhere' },
};

const newType = fc
  .record({
    kind: fc.constantFrom<Type['kind']>('plain', 'multiattach', 'unplaceable'),
    number: fc.integer({ min: 1, max: 2 }),
    short,
  })
  .map(
    ({ kind, number, short }): Plan =>
      (model, real) => {
        const name = `${real.tag}-${kind}-${number}`;
        const body = { volume_type: { name, extra_specs: SPECS[kind] } };
        return {
          shown: `type ${name} is made`,
          ask: { method: 'POST', path: '/types', body, project: 'a', admin: true, short },
          verdict: createType(model, name, kind),
          on: [],
        };
      },
  );

const noType = fc.record({ n: index, short }).map(
  ({ n, short }): Plan =>
    (model) => {
      const type = pick(model.types, n);
      return {
        shown: `type ${type?.name ?? 'nobody has'} is deleted`,
        ask: { method: 'DELETE', path: `/types/${idOf(type)}`, project: 'a', admin: true, short },
        verdict: deleteType(model, type),
        on: model.volumes.filter((volume) => volume.type === type),
      };
    },
);

export const otherCommands: readonly fc.Arbitrary<Plan>[] = [
  attach,
  attach,
  simple,
  simple,
  detach,
  reset,
  offer,
  offer,
  offer,
  accept,
  accept,
  withdraw,
  limit,
  noLimits,
  newType,
  noType,
];
