import { randomUUID } from 'node:crypto';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossipPb from '@eventstore/db-client/generated/gossip_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import statusPb from '@eventstore/db-client/generated/status_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb, {
  type BatchAppendReq,
  type BatchAppendResp,
  type ReadReq,
  type ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import {
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js';
import anyPb from 'google-protobuf/google/protobuf/any_pb.js';

/** What happens to the next append. */
export type AppendFault =
  /** Refused before it was looked at. */
  | 'not-ready'
  /** The call breaks before it was looked at. */
  | 'unavailable'
  /** Neither stored nor answered. */
  | 'silent'
  /** Stored, and the answer is that it took too long. */
  | 'stored-but-timed-out'
  /** Stored, and the call breaks. */
  | 'stored-but-broken'
  /** Not stored: a conflict with an event that only a lost leader had. */
  | 'lying-conflict'
  | 'not-leader';

/** What happens to the next read or subscription. */
export type ReadFault =
  | 'not-ready'
  | 'unavailable'
  | 'silent'
  | 'not-leader'
  | { readonly breaksAfter: number }
  /** Says after so many events that it has caught up, and delivers the next after a while. */
  | { readonly caughtUpAfter: number };

/** A node of a cluster: passes everything on to one server, except for the faults that are planted in it. */
export interface PlantedNode {
  readonly port: number;
  plantAppends(...faults: readonly AppendFault[]): void;
  plantReads(...faults: readonly ReadFault[]): void;
  /** Appends that reached it, by expected revision; positions that subscriptions began behind. */
  readonly appends: string[];
  readonly subscribedFrom: (bigint | 'start')[];
  /** Calls of reads and subscriptions that are open now. */
  openReads(): number;
  /** As kill -9. */
  die(): void;
  revive(): Promise<void>;
}

/** Nodes that say in their gossip who leads. */
export interface PlantedCluster {
  readonly nodes: readonly PlantedNode[];
  leader: number;
  /** Every position is so many times that of the server behind, and nothing is in between, as in a real log. */
  readonly stretch: bigint;
  stop(): void;
}

export async function startPlantedCluster(upstreamPort: number, size = 1, stretch = 1n): Promise<PlantedCluster> {
  const upstream = new streamsGrpc.StreamsClient(`127.0.0.1:${upstreamPort}`, credentials.createInsecure());
  const features = new featuresGrpc.ServerFeaturesClient(`127.0.0.1:${upstreamPort}`, credentials.createInsecure());
  const nodes: PlantedNode[] = [];
  const cluster: PlantedCluster = {
    nodes,
    leader: 0,
    stretch,
    stop: () => {
      for (const node of nodes) node.die();
      upstream.close();
      features.close();
    },
  };
  for (let n = 0; n < size; n += 1) nodes.push(await startNode({ cluster, upstream, features }));
  return cluster;
}

interface Behind {
  readonly cluster: PlantedCluster;
  readonly upstream: InstanceType<typeof streamsGrpc.StreamsClient>;
  readonly features: InstanceType<typeof featuresGrpc.ServerFeaturesClient>;
}

async function startNode({ cluster, upstream, features }: Behind): Promise<PlantedNode> {
  const appendFaults: AppendFault[] = [];
  const readFaults: ReadFault[] = [];
  const appends: string[] = [];
  const subscribedFrom: (bigint | 'start')[] = [];
  let open = 0;
  let server: Server | null = null;
  let port = 0;

  const leaderPort = (): number => cluster.nodes[cluster.leader]?.port ?? port;
  const notLeader = (): object => {
    const metadata = new Metadata();
    metadata.set('exception', 'not-leader');
    metadata.set('leader-endpoint-host', '127.0.0.1');
    metadata.set('leader-endpoint-port', String(leaderPort()));
    return { code: status.NOT_FOUND, details: 'Leader info available', metadata };
  };

  const batchAppend = (call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void => {
    const behind = upstream.batchAppend(call.metadata);
    const faults = new Map<string, AppendFault>();
    const idOf = (message: BatchAppendReq | BatchAppendResp): string => message.getCorrelationId()?.getString() ?? '';
    const refuse = (request: BatchAppendReq, error: statusPb.Status): void => {
      const options = request.getOptions();
      call.write(
        new streamsPb.BatchAppendResp()
          .setCorrelationId(request.getCorrelationId())
          .setStreamIdentifier(options?.getStreamIdentifier())
          .setError(error),
      );
    };
    behind.on('error', () => undefined);
    behind.on('data', (response: BatchAppendResp) => {
      const fault = faults.get(idOf(response));
      if (fault === 'stored-but-timed-out') {
        response.clearSuccess();
        call.write(response.setError(statusOf('Timeout', new sharedPb.Timeout())));
      } else if (fault === 'stored-but-broken') call.emit('error', broken);
      else call.write(stretched(response, cluster.stretch));
    });
    call.on('data', (request: BatchAppendReq) => {
      const options = request.getOptions();
      if (options === undefined) {
        if (faults.get(idOf(request)) !== 'silent') behind.write(request);
        return;
      }
      appends.push(options.hasNoStream() ? 'no-stream' : options.getStreamPosition());
      const fault = appendFaults.shift();
      if (fault !== undefined) faults.set(idOf(request), fault);
      if (fault === 'not-ready') refuse(request, statusOf('NotReady', new sharedPb.Empty(), 'Server Is Not Ready'));
      else if (fault === 'lying-conflict') refuse(request, conflictAt(options, 99n));
      else if (fault === 'unavailable') call.emit('error', broken);
      else if (fault === 'not-leader') call.emit('error', notLeader());
      else if (fault !== 'silent') behind.write(request);
    });
    call.on('end', () => call.end());
    call.on('cancelled', () => behind.cancel());
  };

  const refusalOf = (fault: ReadFault | undefined): object | null => {
    if (fault === 'not-ready') return { code: status.UNAVAILABLE, details: 'Server Is Not Ready' };
    if (fault === 'unavailable') return broken;
    return fault === 'not-leader' ? notLeader() : null;
  };

  const read = (call: ServerWritableStream<ReadReq, ReadResp>): void => {
    const fault = readFaults.shift();
    const options = call.request.getOptions();
    if (options?.hasSubscription() === true) {
      const position = options.getAll()?.getPosition();
      subscribedFrom.push(position === undefined ? 'start' : BigInt(position.getCommitPosition()));
    }
    open += 1;
    let closed = false;
    const close = (): void => {
      if (!closed) open -= 1;
      closed = true;
    };
    const fail = (error: object): void => {
      close();
      call.emit('error', error);
    };
    call.on('cancelled', close);
    if (fault === 'silent') return;
    const refusal = refusalOf(fault) ?? (unstretch(call.request, cluster.stretch) ? null : invalidPosition);
    if (refusal !== null) {
      fail(refusal);
      return;
    }
    const planted: { readonly breaksAfter?: number; readonly caughtUpAfter?: number } =
      typeof fault === 'object' ? fault : {};
    let left = planted.breaksAfter ?? Number.POSITIVE_INFINITY;
    let untilCaughtUp = planted.caughtUpAfter ?? null;
    const behind = upstream.read(call.request, call.metadata);
    behind.on('data', (response: ReadResp) => {
      if (closed) return;
      if (untilCaughtUp === 0 && response.hasEvent()) {
        untilCaughtUp = null;
        call.write(new streamsPb.ReadResp().setCaughtUp(new streamsPb.ReadResp.CaughtUp()));
        behind.pause();
        setTimeout(() => {
          behind.unshift(response);
          behind.resume();
        }, HELD_BACK_MS);
        return;
      }
      if (response.hasEvent()) {
        left -= 1;
        if (untilCaughtUp !== null) untilCaughtUp -= 1;
      }
      if (left < 0) {
        behind.cancel();
        fail(broken);
      } else if (!call.write(stretchedRead(response, cluster.stretch))) {
        behind.pause();
        call.once('drain', () => behind.resume());
      }
    });
    behind.on('error', (error) => {
      if (!closed) fail(error);
    });
    behind.on('end', () => {
      close();
      call.end();
    });
    call.on('cancelled', () => behind.cancel());
  };

  const listen = async (): Promise<void> => {
    const started = new Server();
    started.addService(streamsGrpc.StreamsService, { ...unused, read, batchAppend } as never);
    started.addService(featuresGrpc.ServerFeaturesService, {
      getSupportedMethods: (call: { request: never }, answer: never) =>
        features.getSupportedMethods(call.request, answer),
    } as never);
    started.addService(gossipGrpc.GossipService, {
      read: (_: unknown, answer: (error: null, info: gossipPb.ClusterInfo) => void) => answer(null, gossip(cluster)),
    } as never);
    port = await new Promise((resolve, reject) => {
      started.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    server = started;
  };

  await listen();
  return {
    get port() {
      return port;
    },
    plantAppends: (...faults) => appendFaults.push(...faults),
    plantReads: (...faults) => readFaults.push(...faults),
    appends,
    subscribedFrom,
    openReads: () => open,
    die: () => {
      server?.forceShutdown();
      server = null;
    },
    revive: listen,
  };
}

const HELD_BACK_MS = 200;
const broken = { code: status.UNAVAILABLE, details: 'Connection dropped' };
const invalidPosition = { code: status.UNKNOWN, details: 'Unexpected ReadAllResult: InvalidPosition' };

const unused = { append: () => undefined, delete: () => undefined, tombstone: () => undefined };

function gossip({ nodes, leader }: PlantedCluster): gossipPb.ClusterInfo {
  const { VNodeState } = gossipPb.MemberInfo;
  return new gossipPb.ClusterInfo().setMembersList(
    nodes.map(({ port }, n) =>
      new gossipPb.MemberInfo()
        .setInstanceId(new sharedPb.UUID().setString(randomUUID()))
        .setTimeStamp('0')
        .setState(n === leader ? VNodeState.LEADER : VNodeState.FOLLOWER)
        .setIsAlive(true)
        .setHttpEndPoint(new gossipPb.EndPoint().setAddress('127.0.0.1').setPort(port)),
    ),
  );
}

function statusOf(name: string, details: { serializeBinary(): Uint8Array }, message = name): statusPb.Status {
  const packed = new anyPb.Any();
  packed.pack(details.serializeBinary(), `event_store.client.${name}`);
  return new statusPb.Status().setMessage(message).setDetails(packed);
}

function conflictAt(options: BatchAppendReq.Options, current: bigint): statusPb.Status {
  const details = new sharedPb.WrongExpectedVersion().setCurrentStreamRevision(current.toString());
  if (options.hasNoStream()) details.setExpectedNoStream(new sharedPb.Empty() as never);
  else details.setExpectedStreamPosition(options.getStreamPosition());
  return statusOf('WrongExpectedVersion', details);
}

interface Positioned {
  getCommitPosition(): string;
  getPreparePosition(): string;
  setCommitPosition(value: string): unknown;
  setPreparePosition(value: string): unknown;
}

function stretch(positioned: Positioned | undefined, by: bigint): void {
  if (positioned === undefined) return;
  positioned.setCommitPosition((BigInt(positioned.getCommitPosition()) * by).toString());
  positioned.setPreparePosition((BigInt(positioned.getPreparePosition()) * by).toString());
}

function stretched(response: BatchAppendResp, by: bigint): BatchAppendResp {
  stretch(response.getSuccess()?.getPosition(), by);
  return response;
}

function stretchedRead(response: ReadResp, by: bigint): ReadResp {
  stretch(response.getCheckpoint(), by);
  const event = response.getEvent();
  stretch(event?.getEvent(), by);
  if (event?.hasCommitPosition() === true) event.setCommitPosition((BigInt(event.getCommitPosition()) * by).toString());
  return response;
}

/** False where nothing is at the position that is asked for. */
function unstretch(request: ReadReq, by: bigint): boolean {
  const position = request.getOptions()?.getAll()?.getPosition();
  if (position === undefined) return true;
  const asked = BigInt(position.getCommitPosition());
  if (asked % by !== 0n) return false;
  position.setCommitPosition((asked / by).toString());
  position.setPreparePosition((asked / by).toString());
  return true;
}
