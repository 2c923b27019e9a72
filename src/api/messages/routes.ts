import { reject } from '../../domain/kernel/rejection.ts';
import { type MessageDocument, messagesAliveAt } from '../../projections/messages.ts';
import { type Call, can, commandContextOf, param, settled } from '../call.ts';
import { type Fault, faultOf } from '../faults.ts';
import { listFiltersOf, type Selection } from '../filters.ts';
import { resourceLinks } from '../links.ts';
import { type Listed, listBody, listPage, listQuery } from '../list.ts';
import { pageOf } from '../pagination.ts';
import { answersNothing } from '../repeat.ts';
import { type AnyRoute, route } from '../route.ts';
import { sortOf } from '../sorting.ts';
import { apiTime } from '../times.ts';
import { MESSAGE_FILTERS, MESSAGE_SORT } from './filters.ts';

const SINCE = 3;
/** Below, the list ignores its query. */
const PAGED_SINCE = 5;

const missing = (id: string): Fault => faultOf(reject('MessageNotFound', { id }));

const messageView = (call: Call, message: MessageDocument): object => ({
  id: message.id,
  event_id: message.eventId,
  user_message: message.userMessage,
  message_level: message.messageLevel,
  created_at: apiTime(message.createdAt),
  guaranteed_until: apiTime(message.guaranteedUntil),
  request_id: message.requestId,
  links: resourceLinks(call, 'messages', message.id),
  resource_type: message.resourceType,
  resource_uuid: message.resourceUuid,
});

/** The message that the path names; another project's, and one whose time is over, are not found. */
async function messageOfPath(call: Call): Promise<MessageDocument> {
  const id = param(call, 'message_id');
  const message = await call.deps.queries.messages.get(id);
  const alive = message !== null && message.guaranteedUntil > call.deps.clock.now();
  if (!alive || !can(call, 'message:get', message.projectId)) throw missing(id);
  return message;
}

/** Messages whose time is not over. */
const aliveOf = (call: Call, selection: Selection): Selection =>
  selection.kind === 'nothing'
    ? selection
    : { ...selection, where: { ...selection.where, ...messagesAliveAt(call.deps.clock.now()) } };

function listMessages(call: Call): Promise<Listed<MessageDocument>> {
  const asked: Call = call.microversion < PAGED_SINCE ? { ...call, query: {} } : call;
  const { selection, withCount } = listFiltersOf(asked, MESSAGE_FILTERS);
  return listPage(asked, {
    source: call.deps.queries.messages,
    path: '/messages',
    markerNotFound: (marker) => missing(marker).message,
    page: pageOf(asked.query, call.deps.config.maxLimit),
    sort: sortOf(asked.query, MESSAGE_SORT),
    selection: aliveOf(call, selection),
    withCount,
  });
}

export const messageRoutes: readonly AnyRoute[] = [
  route({
    id: 'messages-list',
    method: 'GET',
    path: '/messages',
    since: SINCE,
    summary: 'List messages: why requests failed after they were accepted',
    status: 200,
    policy: 'message:get_all',
    query: listQuery(MESSAGE_FILTERS),
    handler: async (call) => {
      const listed = await listMessages(call);
      const items = listed.documents.map((message) => messageView(call, message));
      return listBody('messages', items, listed);
    },
  }),
  route({
    id: 'messages-show',
    method: 'GET',
    path: '/messages/{message_id}',
    since: SINCE,
    summary: 'Show a message',
    status: 200,
    policy: 'message:get',
    target: messageOfPath,
    handler: (call, { target: message }) => ({ message: messageView(call, message) }),
  }),
  route({
    id: 'messages-delete',
    method: 'DELETE',
    path: '/messages/{message_id}',
    since: SINCE,
    summary: 'Put a message away',
    status: 204,
    policy: 'message:delete',
    target: messageOfPath,
    handler: async (call, { target: { id: messageId, projectId } }) => {
      const deletion = { projectId, messageId };
      await settled(call, await call.deps.commands.messages.delete(deletion, commandContextOf(call)));
    },
    again: answersNothing,
  }),
];
