import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import type { RecordedEvent, StreamFilter } from '../ports/event-store.ts';
import { invalidArgument, requestRefused } from './refusals.ts';

/** Which events of the log a reader wants. */
export interface EventFilter {
  /** What the store can sort out by itself. */
  readonly streams: StreamFilter | null;
  /** Sorts out the rest. */
  matches(event: RecordedEvent): boolean;
  /** Events that count as one step towards a checkpoint. */
  readonly window: number;
}

/** What the real server reads at once, where the client names no window. */
const DEFAULT_WINDOW = 32;

type FilterOptions = ReadReq.Options.FilterOptions;

/** A regular expression is .NET's in the protocol; what is not JavaScript's too is refused. */
export function filterOf(options: FilterOptions): EventFilter {
  const window = windowOf(options);
  const [stream, type] = [options.getStreamIdentifier(), options.getEventType()];
  const expression = stream ?? type;
  if (expression === undefined) throw invalidArgument("'{ }' is not a valid filter");
  const regex = expression.getRegex();
  const prefixes = expression.getPrefixList();
  if (regex === '' && stream !== undefined) return { streams: { prefixes }, matches: () => true, window };
  const matches = regex === '' ? startsWithAny(prefixes) : compiled(regex);
  const nameOf = stream === undefined ? typeOf : streamOf;
  return { streams: null, matches: (event) => matches(nameOf(event)), window };
}

function windowOf(options: FilterOptions): number {
  if (options.hasMax()) {
    const max = options.getMax();
    if (max === 0) throw requestRefused('the search window must not be zero');
    return max;
  }
  if (options.hasCount()) return DEFAULT_WINDOW;
  throw invalidArgument("'None' is not a valid window");
}

const typeOf = (event: RecordedEvent): string => event.type;
const streamOf = (event: RecordedEvent): string => event.stream;

const startsWithAny = (prefixes: readonly string[]) => (name: string) =>
  prefixes.some((prefix) => name.startsWith(prefix));

function compiled(source: string): (name: string) => boolean {
  const regex = compile(source, 'u') ?? compile(source, '');
  if (regex === null) throw requestRefused(`not a regular expression: ${source}`);
  return (name) => regex.test(name);
}

function compile(source: string, flags: string): RegExp | null {
  try {
    return new RegExp(source, flags);
  } catch {
    return null;
  }
}
