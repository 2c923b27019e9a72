import { randomUUID } from 'node:crypto';
import gossipPb, { type ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import featuresPb, { type SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type { Empty } from '@eventstore/db-client/generated/shared_pb.js';
import type { handleUnaryCall } from '@grpc/grpc-js';
import { ticksOf, uuidOf } from './wire.ts';

/** What clients ask before anything else: what the server can, and which nodes there are. */

/** The version whose behaviour is served. */
const SERVER_VERSION = '24.6.0';

const STREAMS = 'event_store.client.streams.streams';

/** Clients take what is not in this list for unsupported and do not call it. */
const METHODS: readonly { readonly service: string; readonly method: string; readonly features?: readonly string[] }[] =
  [
    { service: STREAMS, method: 'read', features: ['position', 'events'] },
    { service: STREAMS, method: 'append' },
    { service: STREAMS, method: 'delete' },
    { service: STREAMS, method: 'tombstone' },
    { service: STREAMS, method: 'batchappend' },
    { service: 'event_store.client.gossip.gossip', method: 'read' },
    { service: 'event_store.client.server_features.serverfeatures', method: 'getsupportedmethods' },
  ];

/** ServerFeatures.GetSupportedMethods. */
export function handleSupportedMethods(): handleUnaryCall<Empty, SupportedMethods> {
  const supported = new featuresPb.SupportedMethods().setEventStoreServerVersion(SERVER_VERSION).setMethodsList(
    METHODS.map(({ service, method, features = [] }) =>
      new featuresPb.SupportedMethod()
        .setServiceName(service)
        .setMethodName(method)
        .setFeaturesList([...features]),
    ),
  );
  return (_call, callback) => callback(null, supported);
}

/** Gossip.Read: one node, the leader, at the address that the client has used to reach it. */
export function handleGossip(now: () => number): handleUnaryCall<Empty, ClusterInfo> {
  const { VNodeState } = gossipPb.MemberInfo;
  const instanceId = uuidOf(randomUUID(), 'structured');
  return (call, callback) => {
    const { host, port } = endPointOf(call.getHost());
    const member = new gossipPb.MemberInfo()
      .setInstanceId(instanceId)
      .setTimeStamp(ticksOf(now()))
      .setState(VNodeState.LEADER)
      .setIsAlive(true)
      .setHttpEndPoint(new gossipPb.EndPoint().setAddress(host).setPort(port));
    callback(null, new gossipPb.ClusterInfo().setMembersList([member]));
  };
}

function endPointOf(authority: string): { readonly host: string; readonly port: number } {
  const colon = authority.lastIndexOf(':');
  return { host: authority.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(authority.slice(colon + 1)) };
}
