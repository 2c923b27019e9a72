import { reject } from '../../domain/kernel/rejection.ts';
import { commandContextOf, param, settled } from '../call.ts';
import { badRequest, faultOf } from '../faults.ts';
import { type AnyRoute, route } from '../route.ts';
import { textsOf } from './routes.ts';
import { extraSpecBody, extraSpecsBody } from './schemas.ts';
import { typeOfPath } from './target.ts';
import { visibleSpecs } from './views.ts';

const COLLECTION = '/types/{volume_type_id}/extra_specs';
const ONE = `${COLLECTION}/{key}`;

export const extraSpecRoutes: readonly AnyRoute[] = [
  route({
    id: 'type-extra-specs-list',
    method: 'GET',
    path: COLLECTION,
    summary: 'List extra specs of a volume type',
    status: 200,
    policy: 'volume_extension:types_extra_specs:index',
    target: typeOfPath,
    handler: (call, { target: type }) => ({ extra_specs: visibleSpecs(call, type) }),
  }),
  route({
    id: 'type-extra-specs-create',
    method: 'POST',
    path: COLLECTION,
    summary: 'Merge extra specs into those of a volume type',
    status: 200,
    policy: 'volume_extension:types_extra_specs:create',
    body: extraSpecsBody,
    handler: async (call, { body }) => {
      const change = { typeId: param(call, 'volume_type_id'), extraSpecs: textsOf(body.extra_specs) };
      await settled(call, await call.deps.commands.volumeTypes.setExtraSpecs(change, commandContextOf(call)));
      return body;
    },
  }),
  route({
    id: 'type-extra-specs-show',
    method: 'GET',
    path: ONE,
    summary: 'Show one extra spec',
    status: 200,
    policy: 'volume_extension:types_extra_specs:show',
    target: typeOfPath,
    handler: (call, { target: type }) => {
      const key = param(call, 'key');
      const specs = visibleSpecs(call, type);
      if (!Object.hasOwn(specs, key)) throw faultOf(reject('VolumeTypeExtraSpecNotFound', { id: type.id, key }));
      return { [key]: specs[key] };
    },
  }),
  route({
    id: 'type-extra-specs-update',
    method: 'PUT',
    path: ONE,
    summary: 'Set one extra spec',
    status: 200,
    policy: 'volume_extension:types_extra_specs:update',
    body: extraSpecBody,
    handler: async (call, { body }) => {
      if (!Object.hasOwn(body, param(call, 'key'))) throw badRequest('Request body and URI mismatch');
      const change = { typeId: param(call, 'volume_type_id'), extraSpecs: textsOf(body) };
      await settled(call, await call.deps.commands.volumeTypes.setExtraSpecs(change, commandContextOf(call)));
      return body;
    },
  }),
  route({
    id: 'type-extra-specs-delete',
    method: 'DELETE',
    path: ONE,
    summary: 'Delete one extra spec',
    status: 202,
    policy: 'volume_extension:types_extra_specs:delete',
    target: typeOfPath,
    handler: async (call, { target: type }) => {
      const deletion = { typeId: type.id, key: param(call, 'key') };
      await settled(call, await call.deps.commands.volumeTypes.deleteExtraSpec(deletion, commandContextOf(call)));
    },
  }),
];
