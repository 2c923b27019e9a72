import sharedPb, { type StreamIdentifier, type UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { requestRefused } from './refusals.ts';

/** How ids, stream names and numbers look on the wire. */

/** Revision that readers see on a tombstone, and the `$tb` of a stream that was deleted: the largest signed 64-bit integer. */
export const LAST_NUMBER = 2n ** 63n - 1n;

/** Where a position that is not set would begin: readers ask for the end with it. */
export const END_NUMBER = 2n ** 64n - 1n;

const TICKS_PER_MILLISECOND = 10_000;

/** 100-nanosecond steps since the Unix epoch. */
export const ticksOf = (instant: number): string => (BigInt(instant) * BigInt(TICKS_PER_MILLISECOND)).toString();

const UUID_FORM = /^[{(]?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})[)}]?$/i;
const EMPTY_UUID = '00000000-0000-0000-0000-000000000000';

/** The id in lower case with dashes; throws where it is none, or all zeros. */
export function idOf(uuid: UUID | undefined): string {
  const id = uuid?.hasStructured() === true ? structuredId(uuid) : (uuid?.getString() ?? '');
  const parts = UUID_FORM.exec(id);
  if (parts === null) throw requestRefused(`not a UUID: ${id}`);
  const normal = parts.slice(1).join('-').toLowerCase();
  if (normal === EMPTY_UUID) throw requestRefused('Empty eventId provided.');
  return normal;
}

function structuredId(uuid: UUID): string {
  const structured = uuid.getStructured();
  const hex = [structured?.getMostSignificantBits(), structured?.getLeastSignificantBits()]
    .map((bits) =>
      BigInt.asUintN(64, BigInt(bits ?? 0))
        .toString(16)
        .padStart(16, '0'),
    )
    .join('');
  return hex;
}

/** The id as the reader asked for it: as text, or as two signed 64-bit halves. */
export function uuidOf(id: string, form: 'text' | 'structured'): UUID {
  const uuid = new sharedPb.UUID();
  if (form === 'text') return uuid.setString(id);
  const hex = id.replaceAll('-', '');
  const half = (from: number): string => BigInt.asIntN(64, BigInt(`0x${hex.slice(from, from + 16)}`)).toString();
  return uuid.setStructured(
    new sharedPb.UUID.Structured().setMostSignificantBits(half(0)).setLeastSignificantBits(half(16)),
  );
}

/** The name, empty where there is none. */
export const streamNameOf = (identifier: StreamIdentifier | undefined): string =>
  identifier === undefined ? '' : Buffer.from(identifier.getStreamName_asU8()).toString('utf8');

export const identifierOf = (stream: string): StreamIdentifier =>
  new sharedPb.StreamIdentifier().setStreamName(Buffer.from(stream, 'utf8'));

const METASTREAM_PREFIX = '$$';

export const isMetastream = (stream: string): boolean => stream.startsWith(METASTREAM_PREFIX);
export const metastreamOf = (stream: string): string => METASTREAM_PREFIX + stream;
export const originalOf = (metastream: string): string => metastream.slice(METASTREAM_PREFIX.length);

/** The stream whose deletion and metadata a write to this one may change: itself, or the one that a metastream is about. */
export const subjectOf = (stream: string): string => (isMetastream(stream) ? originalOf(stream) : stream);
