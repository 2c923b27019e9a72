import { DEFAULT_TYPE_ID } from '../../domain/volume-types/index.ts';
import { type Call, commandContextOf, param, settled } from '../call.ts';
import { badRequest, notFound } from '../faults.ts';
import { listBody, listPage, listQuery } from '../list.ts';
import { pageOf } from '../pagination.ts';
import { type AnyRoute, route } from '../route.ts';
import { sortOf } from '../sorting.ts';
import { selectTypes, TYPE_FILTERS, TYPE_SORT } from './filters.ts';
import { createTypeBody, unusableBody, updateTypeBody } from './schemas.ts';
import { maySeeType, typeNotFound, typeOfPath, visibleType } from './target.ts';
import { createdTypeView, defaultTypeView, typeView, updatedTypeView } from './views.ts';

/** The type that a volume of the caller gets when nothing else says: its project's own default, else everybody's. */
async function defaultType(call: Call) {
  const own = await call.deps.queries.defaultTypes.get(call.caller.projectId);
  return visibleType(call, own?.volumeTypeId ?? DEFAULT_TYPE_ID);
}

/** What the routes that change a type look at after the change; gone already is a 404. */
async function changedType(call: Call, typeId: string) {
  const type = await call.deps.queries.volumeTypes.get(typeId);
  if (type === null) throw notFound(typeNotFound(typeId));
  return type;
}

/** A null value is an empty one: the log keeps texts. */
export const textsOf = (specs: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(specs).map(([key, value]) => [key, value ?? '']));

export const volumeTypeRoutes: readonly AnyRoute[] = [
  route({
    id: 'types-list',
    method: 'GET',
    path: '/types',
    summary: 'List volume types',
    status: 200,
    policy: 'volume_extension:type_get_all',
    query: listQuery(TYPE_FILTERS),
    handler: async (call) => {
      const listed = await listPage(call, {
        source: call.deps.queries.volumeTypes,
        path: '/types',
        markerNotFound: typeNotFound,
        visible: (type) => maySeeType(call, type),
        page: pageOf(call.query, call.deps.config.maxLimit),
        sort: sortOf(call.query, TYPE_SORT),
        ...(await selectTypes(call)),
      });
      const items = listed.documents.map((type) => typeView(call, type));
      return listBody('volume_types', items, listed, 'volume_type_links');
    },
  }),
  route({
    id: 'types-create',
    method: 'POST',
    path: '/types',
    summary: 'Create a volume type',
    status: 200,
    policy: 'volume_extension:type_create',
    body: createTypeBody,
    handler: async (call, { body }) => {
      const { name, description = null, extra_specs: specs = {}, ...more } = body.volume_type;
      const isPublic = more['os-volume-type-access:is_public'] ?? true;
      const creation = { name, description, isPublic, extraSpecs: textsOf(specs) };
      const { typeId } = await settled(
        call,
        await call.deps.commands.volumeTypes.create(creation, commandContextOf(call)),
      );
      return { volume_type: createdTypeView(call, await changedType(call, typeId)) };
    },
  }),
  route({
    id: 'types-show-default',
    method: 'GET',
    path: '/types/default',
    summary: 'Show the default volume type',
    status: 200,
    policy: 'volume_extension:type_get',
    target: defaultType,
    handler: (call, { target: type }) => ({ volume_type: defaultTypeView(call, type) }),
  }),
  route({
    id: 'types-show',
    method: 'GET',
    path: '/types/{volume_type_id}',
    summary: 'Show a volume type',
    status: 200,
    policy: 'volume_extension:type_get',
    target: typeOfPath,
    handler: (call, { target: type }) => ({ volume_type: typeView(call, type) }),
  }),
  route({
    id: 'types-update',
    method: 'PUT',
    path: '/types/{volume_type_id}',
    summary: 'Rename a volume type, describe it, or change who sees it',
    status: 200,
    policy: 'volume_extension:type_update',
    body: updateTypeBody,
    handler: async (call, { body }) => {
      const typeId = param(call, 'volume_type_id');
      await settled(
        call,
        await call.deps.commands.volumeTypes.update({ typeId, ...changesOf(body.volume_type) }, commandContextOf(call)),
      );
      call.deps.typeNames.forget(typeId);
      return { volume_type: updatedTypeView(await changedType(call, typeId)) };
    },
  }),
  route({
    id: 'types-delete',
    method: 'DELETE',
    path: '/types/{volume_type_id}',
    summary: 'Delete a volume type',
    status: 202,
    policy: 'volume_extension:type_delete',
    handler: async (call) => {
      const typeId = param(call, 'volume_type_id');
      await settled(call, await call.deps.commands.volumeTypes.delete({ typeId }, commandContextOf(call)));
      call.deps.typeNames.forget(typeId);
    },
  }),
  accidentalAction('types-action-create', 'create', 'volume_extension:type_create'),
  accidentalAction('types-action-update', 'update', 'volume_extension:type_update'),
  accidentalAction('types-action-delete', 'delete', 'volume_extension:type_delete'),
];

interface TypeFields {
  readonly name?: string | null | undefined;
  readonly description?: string | null | undefined;
  readonly is_public?: boolean | undefined;
}

/** Null leaves a field as it is; throws the 400 of a body that changes nothing. */
function changesOf({ name, description, is_public: isPublic }: TypeFields) {
  if (name?.trim() === '') throw badRequest('Volume type name can not be empty.');
  const changes = {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    ...(isPublic === undefined ? {} : { isPublic }),
  };
  if (Object.keys(changes).length > 0) return changes;
  throw badRequest('Specify volume type name, description, is_public or a combination thereof.');
}

function accidentalAction(
  id: string,
  action: string,
  policy: 'volume_extension:type_create' | 'volume_extension:type_update' | 'volume_extension:type_delete',
): AnyRoute {
  return route({
    id,
    method: 'POST',
    path: '/types/{volume_type_id}/action',
    action,
    summary: 'Routed, but answers 400 to every body',
    status: action === 'delete' ? 202 : 200,
    policy,
    body: unusableBody,
    handler: () => undefined,
  });
}
