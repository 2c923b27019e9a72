import streamsPb, { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { Position } from '../ports/event-store.ts';
import { type EventFilter, filterOf } from './filter.ts';
import { streamOf } from './proposals.ts';
import type { UuidForm } from './read-responses.ts';
import { invalidArgument, requestRefused } from './refusals.ts';
import { END_NUMBER, LAST_NUMBER } from './wire.ts';

/** Where a read begins. */
export type From<N> = 'start' | 'end' | N;

interface Common {
  readonly form: UuidForm;
}

interface StreamRead extends Common {
  readonly kind: 'read-stream';
  readonly stream: string;
  readonly from: From<bigint>;
  readonly direction: 'forwards' | 'backwards';
  readonly limit: number;
  /** Whether the client wants to be told where the stream begins and ends. */
  readonly tellsEnds: boolean;
}

interface AllRead extends Common {
  readonly kind: 'read-all';
  readonly from: From<Position>;
  readonly direction: 'forwards' | 'backwards';
  readonly limit: number;
  readonly filter: EventFilter | null;
}

interface StreamSubscription extends Common {
  readonly kind: 'subscribe-stream';
  readonly stream: string;
  readonly from: From<bigint>;
}

interface AllSubscription extends Common {
  readonly kind: 'subscribe-all';
  readonly from: From<Position>;
  readonly filter: (EventFilter & { readonly checkpointInterval: number }) | null;
}

export type ReadRequest = StreamRead | AllRead | StreamSubscription | AllSubscription;
export type Of<K extends ReadRequest['kind']> = Extract<ReadRequest, { kind: K }>;

const { ReadDirection } = streamsPb.ReadReq.Options;

/** What the client wants. Throws what the real server says to a request that makes no sense. */
export function readRequestOf(request: ReadReq): ReadRequest {
  const options = request.getOptions();
  if (options === undefined) throw requestRefused('no options');
  const uuid = options.getUuidOption();
  if (uuid === undefined) throw invalidArgument(' `uuidOption` is a required argument of type UUIDOption');
  const common = { form: uuid.hasString() ? 'text' : 'structured' } as const;
  const direction = options.getReadDirection() === ReadDirection.FORWARDS ? 'forwards' : 'backwards';
  const [stream, all] = [options.getStream(), options.getAll()];
  const reads = options.hasCount();
  checkCombination(options, direction);
  if (stream !== undefined) {
    const place = { ...common, stream: streamOf(stream), from: streamFrom(stream) };
    if (!reads) return { kind: 'subscribe-stream', ...place };
    const tellsEnds = (options.getControlOption()?.getCompatibility() ?? 0) >= 1;
    return { kind: 'read-stream', ...place, direction, limit: Number(options.getCount()), tellsEnds };
  }
  if (all === undefined) throw invalidArgument("'None' is not a valid stream option");
  const from = allFrom(all);
  const filterOptions = options.getFilter();
  const filter = filterOptions === undefined ? null : filterOf(filterOptions);
  if (reads) return { kind: 'read-all', ...common, from, direction, limit: Number(options.getCount()), filter };
  if (filter === null) return { kind: 'subscribe-all', ...common, from, filter };
  const multiplier = filterOptions?.getCheckpointintervalmultiplier() ?? 0;
  if (multiplier === 0) throw requestRefused('the checkpoint interval must not be zero');
  return {
    kind: 'subscribe-all',
    ...common,
    from,
    filter: { ...filter, checkpointInterval: filter.window * multiplier },
  };
}

function checkCombination(options: ReadReq.Options, direction: 'forwards' | 'backwards'): void {
  const [reads, subscribes] = [options.hasCount(), options.hasSubscription()];
  const [filters, doesNot] = [options.hasFilter(), options.hasNoFilter()];
  const fits = (reads || (subscribes && direction === 'forwards')) && (doesNot || (filters && options.hasAll()));
  if (fits) return;
  const parts = [
    options.hasStream() ? 'Stream' : 'All',
    reads ? 'Count' : subscribes ? 'Subscription' : 'None',
    direction === 'forwards' ? 'Forwards' : 'Backwards',
    filters ? 'Filter' : doesNot ? 'NoFilter' : 'None',
  ];
  throw invalidArgument(`The combination of (${parts.join(', ')}) is invalid.`);
}

function streamFrom(stream: ReadReq.Options.StreamOptions): From<bigint> {
  if (stream.hasStart()) return 'start';
  if (stream.hasEnd()) return 'end';
  if (!stream.hasRevision()) throw requestRefused('no revision');
  return numberOrEnd(stream.getRevision());
}

function allFrom(all: ReadReq.Options.AllOptions): From<Position> {
  if (all.hasStart()) return 'start';
  if (all.hasEnd()) return 'end';
  const position = all.getPosition();
  if (position === undefined) throw requestRefused('no position');
  const commit = numberOrEnd(position.getCommitPosition());
  const prepare = numberOrEnd(position.getPreparePosition());
  if (commit === 'end') return 'end';
  if (prepare === 'end' || commit < prepare) {
    throw requestRefused('The commit position cannot be less than the prepare position');
  }
  return commit === 0n ? 'start' : commit;
}

/** The largest number of all is how some clients write the end. */
function numberOrEnd(text: string): bigint | 'end' {
  const number = BigInt(text);
  if (number === END_NUMBER) return 'end';
  if (number > LAST_NUMBER) throw requestRefused(`out of range: ${text}`);
  return number;
}
