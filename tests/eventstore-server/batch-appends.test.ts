import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { credentials } from '@grpc/grpc-js';
import emptyPb from 'google-protobuf/google/protobuf/empty_pb.js';
import timestampPb from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aStream } from './client.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embedded-server.ts';

/** Batch appends in the protocol's own messages: the client for JavaScript waits for each before it tells anything. */

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

const named = (stream: string) => new sharedPb.StreamIdentifier().setStreamName(Buffer.from(stream));
const idOf = (text: string) => new sharedPb.UUID().setString(text);

describe('a batch append', () => {
  type Response = InstanceType<typeof streamsPb.BatchAppendResp>;

  /** Sends these and collects the answers until the server ends the call. */
  function batch(requests: readonly InstanceType<typeof streamsPb.BatchAppendReq>[]): Promise<Response[]> {
    return new Promise((resolve, reject) => {
      const responses: Response[] = [];
      const call = streams.batchAppend();
      call.on('data', (response: Response) => responses.push(response));
      call.on('error', reject);
      call.on('end', () => resolve(responses));
      for (const request of requests) call.write(request);
      call.end();
    });
  }

  const options = (stream: string) => new streamsPb.BatchAppendReq.Options().setStreamIdentifier(named(stream));

  function request(correlation: string, isFinal: boolean, count = 1) {
    const messages = Array.from({ length: count }, () => {
      const message = new streamsPb.BatchAppendReq.ProposedMessage()
        .setId(idOf(randomUUID()))
        .setData(Buffer.alloc(300_000));
      message.getMetadataMap().set('type', 'T').set('content-type', 'application/octet-stream');
      return message;
    });
    return new streamsPb.BatchAppendReq()
      .setCorrelationId(idOf(correlation))
      .setProposedMessagesList(messages)
      .setIsFinal(isFinal);
  }

  const anyOf = (stream: string) => options(stream).setAny(new emptyPb.Empty());

  it('may come in several messages, mixed with those of others', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const [one, two] = [aStream(), aStream()];
    const responses = await batch([
      request(a, false).setOptions(anyOf(one)),
      request(b, false).setOptions(anyOf(two)),
      request(a, true, 2),
      request(b, true),
    ]);
    const revisions = responses.map((response) => [
      response.getCorrelationId()?.getString(),
      response.getSuccess()?.getCurrentRevision(),
    ]);
    expect(Object.fromEntries(revisions)).toEqual({ [a]: '2', [b]: '1' });
  });

  it('that grows too large is answered once; the rest of it is passed over', async () => {
    const [large, small] = [randomUUID(), randomUUID()];
    const stream = aStream();
    const responses = await batch([
      request(large, false, 4).setOptions(anyOf(stream)),
      request(large, false, 1),
      request(large, true, 1),
      request(small, true, 1).setOptions(anyOf(stream)),
    ]);
    expect(
      responses.map((response) => [response.getCorrelationId()?.getString(), response.getError()?.getMessage()]),
    ).toEqual([
      [large, 'MaximumAppendSizeExceeded'],
      [small, undefined],
    ]);
  });

  it('is told where it came too late or cannot be understood, each on its own', async () => {
    const [late, unnamed, bare, fine] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const past = timestampPb.Timestamp.fromDate(new Date(Date.now() - 1_000));
    const responses = await batch([
      request(late, true).setOptions(anyOf(aStream()).setDeadline(past)),
      request(unnamed, true).setOptions(anyOf('')),
      request(bare, true).setOptions(options(aStream())),
      request('nonsense', true).setOptions(anyOf(aStream())),
      request(fine, true).setOptions(anyOf(aStream())),
    ]);
    const answers = responses.map((response) => [
      response.getCorrelationId()?.getString(),
      response.getError()?.getMessage() ?? 'done',
    ]);
    expect(Object.fromEntries(answers)).toEqual({
      [late]: 'Timeout',
      [unnamed]: 'BadRequest',
      [bare]: 'BadRequest',
      nonsense: 'BadRequest',
      [fine]: 'done',
    });
  });

  it('whose rest does not come in time is told so', async () => {
    const slow = randomUUID();
    const soon = timestampPb.Timestamp.fromDate(new Date(Date.now() + 100));
    const call = streams.batchAppend();
    const ended = once(call, 'end');
    call.write(request(slow, false).setOptions(anyOf(aStream()).setDeadline(soon)));
    const [answer] = (await once(call, 'data')) as [Response];
    call.end();
    await ended;
    expect(answer.getError()?.getMessage()).toBe('Timeout');
  });
});
