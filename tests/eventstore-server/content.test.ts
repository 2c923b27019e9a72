import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTombstone, toAppend, tombstoneToAppend, wireContentOf } from '../../src/eventstore-server/content.ts';
import { limitsOf, parseLimits, undeletedMetadata } from '../../src/eventstore-server/stream-metadata.ts';
import type { EventToAppend, RecordedEvent } from '../../src/ports/event-store.ts';

const writer = { userId: 'somebody', origin: '127.0.0.1', at: 1_700_000_000_000 };
const ID = '5f0c7f0a-6f3c-4f4e-8a55-1f6f0d3d3b11';
const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** As a store gives it back: whatever is not JSON does not survive it. */
const stored = (event: EventToAppend): EventToAppend => JSON.parse(JSON.stringify(event)) as EventToAppend;

const propose = (data: Uint8Array, metadata: Uint8Array = new Uint8Array(0), json = true) =>
  toAppend({ id: ID, type: 'T', json, data, metadata }, writer);

describe('the content of an event', () => {
  const anyBytes = fc.oneof(
    fc.uint8Array(),
    fc.json().map(bytesOf),
    fc.jsonValue().map((value) => bytesOf(JSON.stringify(value))),
    fc.string({ unit: 'binary' }).map(bytesOf),
  );

  it('comes out of a store byte for byte, whatever it is', () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, fc.boolean(), (data, metadata, json) => {
        const content = wireContentOf(stored(propose(data, metadata, json)));
        expect(content.json).toBe(json);
        expect(Buffer.from(content.data).equals(Buffer.from(data))).toBe(true);
        expect(Buffer.from(content.metadata).equals(Buffer.from(metadata))).toBe(true);
      }),
    );
  });

  it.each([
    ['spaces', '{ "a": 1 }'],
    ['a number too large', '{"a":9223372036854775807}'],
    ['keys in another order', '{"b":1,"1":2}'],
    ['a key twice', '{"a":1,"a":2}'],
    ['a byte order mark', '\uFEFF{}'],
    ['an exponent', '1e3'],
  ])('in JSON with %s is kept as text', (_what, text) => {
    const event = propose(bytesOf(text));
    expect(event).toMatchObject({ data: text, metadata: { foreign: { json: true, data: 'text' } } });
    expect(Buffer.from(wireContentOf(stored(event)).data).toString()).toBe(text);
  });

  it('in plain JSON is kept as its value', () => {
    const event = propose(bytesOf('{"a":[1,"für"]}'), bytesOf('{"b":2}'));
    expect(event).toMatchObject({
      data: { a: [1, 'für'] },
      metadata: { foreign: { data: 'json', metadata: '{"b":2}' } },
    });
  });

  it('says who appended it from where and when, as the audit log wants it', () => {
    expect(propose(bytesOf('{}')).metadata).toMatchObject({
      commandId: ID,
      actor: { userId: 'somebody', projectId: '', roles: [], kind: 'user' },
      origin: '127.0.0.1',
      at: writer.at,
    });
  });

  it('of a tombstone is empty, and nobody else can make one', () => {
    const tombstone = tombstoneToAppend(ID, writer);
    expect(wireContentOf(tombstone)).toEqual({ json: false, data: Buffer.from(''), metadata: new Uint8Array(0) });
    expect(isTombstone(tombstone as RecordedEvent)).toBe(true);
    const forged = propose(bytesOf('{}'), bytesOf(JSON.stringify(tombstone.metadata)));
    expect(isTombstone(forged as RecordedEvent)).toBe(false);
  });
});

describe('metadata of a stream', () => {
  it.each([
    ['{}', {}],
    ['{"$maxCount":3,"$maxAge":60,"$tb":2}', { maxCount: 3n, maxAgeMs: 60_000, truncateBefore: 2n }],
    ['{"$tb":9223372036854775807}', { truncateBefore: 2n ** 63n - 1n }],
    ['{"$tb":9223372036854775808,"$maxCount":3}', {}],
    ['{"$maxCount":0,"$maxAge":-1,"$tb":0}', { truncateBefore: 0n }],
    ['{"$maxCount":"3","$tb":2}', {}],
    ['{"$maxCount":3.0}', {}],
    ['{"$cacheControl":true,"$tb":2}', {}],
    ['{"own":{"$maxCount":"x"},"$tb":2}', { truncateBefore: 2n }],
    ['[{"$tb":2}]', {}],
    ['no JSON', {}],
  ])('that is %s limits what is read', (text, limits) => {
    expect(parseLimits(text)).toEqual(limits);
  });

  it('counts only as JSON', () => {
    const event = propose(bytesOf('{"$maxCount":3}'), new Uint8Array(0), false);
    expect(limitsOf(event as RecordedEvent)).toEqual({});
  });

  it('keeps what was in it when a deleted stream begins anew', () => {
    expect(undeletedMetadata('{"$maxCount":3,"$tb":9223372036854775807,"own":1}', 7n)).toBe(
      '{"$maxCount":3,"$tb":7,"own":1}',
    );
    expect(undeletedMetadata('no JSON', 7n)).toBeNull();
  });
});
