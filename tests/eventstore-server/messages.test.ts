import { randomUUID } from 'node:crypto';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossipPb, { type ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import persistentGrpc from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import persistentPb from '@eventstore/db-client/generated/persistent_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb, { type AppendResp, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aStream } from './client.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';

/** What other clients send and the one for JavaScript does not: spoken in the protocol's own messages. */

let server: EmbeddedServer;
let streams: InstanceType<typeof streamsGrpc.StreamsClient>;

beforeAll(async () => {
  server = await startEmbeddedServer();
  streams = new streamsGrpc.StreamsClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
});
afterAll(async () => {
  expect(server.faults).toEqual([]);
  streams.close();
  await server.stop();
});

const empty = () => new sharedPb.Empty();
const named = (stream: string) => new sharedPb.StreamIdentifier().setStreamName(Buffer.from(stream));

function proposed(id: InstanceType<typeof sharedPb.UUID>, properties: Readonly<Record<string, string>> = {}) {
  const message = new streamsPb.AppendReq.ProposedMessage().setId(id).setData(Buffer.from('{}'));
  const all = { type: 'T', 'content-type': 'application/json', ...properties };
  for (const [key, value] of Object.entries(all)) if (value !== '') message.getMetadataMap().set(key, value);
  return message;
}

function append(stream: string, messages: readonly InstanceType<typeof streamsPb.AppendReq.ProposedMessage>[]) {
  return new Promise<AppendResp>((resolve, reject) => {
    const call = streams.append((error, response) => (error === null ? resolve(response) : reject(error)));
    const options = new streamsPb.AppendReq.Options().setStreamIdentifier(named(stream)).setAny(empty());
    call.write(new streamsPb.AppendReq().setOptions(options));
    for (const message of messages) call.write(new streamsPb.AppendReq().setProposedMessage(message));
    call.end();
  });
}

const idOf = (text: string) => new sharedPb.UUID().setString(text);
const many = (count: number) => Array.from({ length: count }, () => proposed(idOf(randomUUID())));

type ReadOptions = InstanceType<typeof streamsPb.ReadReq.Options>;

const reading = () =>
  new streamsPb.ReadReq.Options()
    .setUuidOption(new streamsPb.ReadReq.Options.UUIDOption().setString(empty()))
    .setNoFilter(empty())
    .setCount('100');

const ofStream = (stream: string, revision = '0') =>
  new streamsPb.ReadReq.Options.StreamOptions().setStreamIdentifier(named(stream)).setRevision(revision);

const ofAll = () => new streamsPb.ReadReq.Options.AllOptions().setStart(empty());

function read(options: ReadOptions | undefined): Promise<ReadResp[]> {
  return new Promise((resolve, reject) => {
    const responses: ReadResp[] = [];
    streams
      .read(new streamsPb.ReadReq().setOptions(options))
      .on('data', (response: ReadResp) => responses.push(response))
      .on('error', reject)
      .on('end', () => resolve(responses));
  });
}

const refusalOf = (work: Promise<unknown>): Promise<ServiceError> =>
  work.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: ServiceError) => error,
  );

describe('ids', () => {
  it('in two halves are the ids in text, both ways', async () => {
    const stream = aStream();
    const text = 'f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f';
    const halves = new sharedPb.UUID.Structured()
      .setMostSignificantBits(BigInt.asIntN(64, 0xf0e1d2c3b4a54697n).toString())
      .setLeastSignificantBits(BigInt.asIntN(64, 0x88796a5b4c3d2e1fn).toString());
    await append(stream, [proposed(new sharedPb.UUID().setStructured(halves))]);
    const [inText] = await read(reading().setStream(ofStream(stream)));
    expect(inText?.getEvent()?.getEvent()?.getId()?.getString()).toBe(text);
    const structured = new streamsPb.ReadReq.Options.UUIDOption().setStructured(empty());
    const [inHalves] = await read(reading().setStream(ofStream(stream)).setUuidOption(structured));
    expect(inHalves?.getEvent()?.getEvent()?.getId()?.getStructured()?.toObject()).toEqual(halves.toObject());
  });
});

describe('a read of a client that wants to know where the stream begins and ends', () => {
  const told = (responses: readonly ReadResp[]) =>
    responses.map((response) =>
      response.hasEvent()
        ? Number(response.getEvent()?.getEvent()?.getStreamRevision())
        : response.hasFirstStreamPosition()
          ? `first ${response.getFirstStreamPosition()}`
          : response.hasLastStreamPosition()
            ? `last ${response.getLastStreamPosition()}`
            : 'not found',
    );
  const control = () => new streamsPb.ReadReq.Options.ControlOption().setCompatibility(1);
  const setMetadata = (stream: string, text: string) => {
    const message = proposed(idOf(randomUUID()), { type: '$metadata' }).setData(Buffer.from(text));
    return append(`$$${stream}`, [message]);
  };

  it('is told', async () => {
    const stream = aStream();
    await append(stream, many(4));
    const from = (revision: string) =>
      read(reading().setStream(ofStream(stream, revision)).setControlOption(control()));
    expect(told(await from('2'))).toEqual([2, 3, 'last 3']);
    expect(told(await from('9'))).toEqual(['first 4', 'last 3']);
    const backwards = reading().setStream(ofStream(stream, '1')).setControlOption(control()).setReadDirection(1);
    expect(told(await read(backwards))).toEqual([1, 0, 'last 3']);
    expect(told(await read(reading().setStream(ofStream(aStream())).setControlOption(control())))).toEqual([
      'not found',
    ]);
  });

  it('is told where what it asked for is hidden', async () => {
    const stream = aStream();
    await append(stream, many(100));
    await setMetadata(stream, '{"$tb":98}');
    const few = reading().setStream(ofStream(stream)).setControlOption(control());
    expect(told(await read(few))).toEqual(['first 98', 98, 99, 'last 99']);
    await setMetadata(stream, '{"$tb":5000}');
    expect(told(await read(few))).toEqual(['first 5000', 'first 100', 'last 99']);
  });
});

describe('a filtered read of the log', () => {
  const expression = (prefixes: readonly string[], regex = '') =>
    new streamsPb.ReadReq.Options.FilterOptions.Expression().setPrefixList([...prefixes]).setRegex(regex);
  const withFilter = (filter: InstanceType<typeof streamsPb.ReadReq.Options.FilterOptions>, count = '100') =>
    reading().setAll(ofAll()).setCount(count).setFilter(filter);
  const names = (responses: readonly ReadResp[]) =>
    responses.map((response) =>
      Buffer.from(response.getEvent()?.getEvent()?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
    );

  it('gives what matches, so many of it, in both directions', async () => {
    const [one, two] = [aStream('filtered-one'), aStream('filtered-two')];
    for (const stream of [one, two, one, two]) await append(stream, many(1));
    const filter = () => new streamsPb.ReadReq.Options.FilterOptions().setCount(empty());
    const byPrefix = filter().setStreamIdentifier(expression(['filtered-']));
    expect(names(await read(withFilter(byPrefix)))).toEqual([one, two, one, two]);
    expect(names(await read(withFilter(byPrefix, '2')))).toEqual([one, two]);
    const byRegex = filter().setStreamIdentifier(expression([], '^filtered-two'));
    expect(names(await read(withFilter(byRegex, '1')))).toEqual([two]);
    const backwards = withFilter(byPrefix, '3').setReadDirection(1);
    backwards.setAll(new streamsPb.ReadReq.Options.AllOptions().setEnd(empty()));
    expect(names(await read(backwards))).toEqual([two, one, two]);
  });

  it.each([
    ['names no filter', () => withFilter(new streamsPb.ReadReq.Options.FilterOptions().setCount(empty())), 3],
    [
      'names no window',
      () => withFilter(new streamsPb.ReadReq.Options.FilterOptions().setStreamIdentifier(expression(['a']))),
      3,
    ],
    [
      'filters a stream',
      () =>
        withFilter(
          new streamsPb.ReadReq.Options.FilterOptions().setCount(empty()).setEventType(expression(['a'])),
        ).setStream(ofStream('a')),
      3,
    ],
    [
      'subscribes backwards',
      () =>
        reading()
          .setAll(ofAll())
          .setSubscription(new streamsPb.ReadReq.Options.SubscriptionOptions())
          .setReadDirection(1),
      3,
    ],
    ['does not say how it wants ids', () => new streamsPb.ReadReq.Options().setAll(ofAll()).setCount('1'), 3],
    ['names neither stream nor log', () => reading(), 3],
    ['asks for no events of a stream', () => reading().setStream(ofStream('a')).setCount('0'), 2],
    ['has no options', () => undefined, 2],
  ] as [string, () => ReadOptions | undefined, number][])('is refused where it %s', async (_what, options, code) => {
    expect(await refusalOf(read(options()))).toMatchObject({ code });
  });
});

describe('an append', () => {
  it.each(['type', 'content-type'])('without the property %s is refused by name', async (property) => {
    const refusal = await refusalOf(append(aStream(), [proposed(idOf(randomUUID()), { [property]: '' })]));
    expect(refusal).toMatchObject({ code: 3, details: `Required Metadata Property '${property}' is missing` });
    expect(refusal.metadata.get('exception')).toEqual(['missing-required-metadata-property']);
  });

  it('with another content type comes back as bytes', async () => {
    const stream = aStream();
    await append(stream, [proposed(idOf(randomUUID()), { 'content-type': 'text/plain' })]);
    const [response] = await read(reading().setStream(ofStream(stream)));
    const event = response?.getEvent()?.getEvent();
    expect(event?.getMetadataMap().get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(event?.getData_asU8() ?? []).toString()).toBe('{}');
  });
});

describe('the node', () => {
  it('names what it supports, so that clients do not ask for more', async () => {
    const features = new featuresGrpc.ServerFeaturesClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
    const supported = await new Promise<SupportedMethods>((resolve, reject) =>
      features.getSupportedMethods(empty(), (error, methods) => (error === null ? resolve(methods) : reject(error))),
    );
    features.close();
    expect(supported.getEventStoreServerVersion()).toBe('24.6.0');
    expect(supported.getMethodsList().map((method) => method.getMethodName())).toEqual([
      'read',
      'append',
      'delete',
      'tombstone',
      'batchappend',
      'read',
      'getsupportedmethods',
    ]);
  });

  it('is the only one and the leader, where the client has found it', async () => {
    const gossip = new gossipGrpc.GossipClient(`localhost:${server.port}`, credentials.createInsecure());
    const cluster = await new Promise<ClusterInfo>((resolve, reject) =>
      gossip.read(empty(), (error, info) => (error === null ? resolve(info) : reject(error))),
    );
    gossip.close();
    expect(cluster.getMembersList().map((member) => member.toObject())).toMatchObject([
      {
        state: gossipPb.MemberInfo.VNodeState.LEADER,
        isAlive: true,
        httpEndPoint: { address: 'localhost', port: server.port },
      },
    ]);
  });

  it('does not implement the rest', async () => {
    const client = new persistentGrpc.PersistentSubscriptionsClient(
      `127.0.0.1:${server.port}`,
      credentials.createInsecure(),
    );
    const refusal = await refusalOf(
      new Promise((resolve, reject) =>
        client.list(new persistentPb.ListReq(), (error, response) =>
          error === null ? resolve(response) : reject(error),
        ),
      ),
    );
    client.close();
    expect(refusal).toMatchObject({ code: 12 });
  });
});
