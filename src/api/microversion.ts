import { Fault } from './faults.ts';

/**
 * Microversions of the API's major version 3 are kept as their second number: 3.40 is 40.
 * Rules: contract/errors.md §1.
 */
export type Microversion = number;

export const MINIMUM_MICROVERSION: Microversion = 0;
export const MAXIMUM_MICROVERSION: Microversion = 71;

export const MICROVERSION_HEADER = 'OpenStack-API-Version';

/** The header of an answer: what was used, or what was refused. */
export const microversionHeader = (microversion: Microversion): string => `volume 3.${microversion}`;

/** What the request header comes to: a version in range, or a version that is refused and the header that echoes it. */
export type Negotiated =
  | { readonly kind: 'accepted'; readonly microversion: Microversion }
  | { readonly kind: 'unsupported'; readonly version: string; readonly echo: string | null }
  | { readonly kind: 'malformed'; readonly reason: string };

const NUMBER_FORM = /^([1-9]\d*)\.([1-9]\d*|0)$/;
const GENERIC = 'The server could not comply with the request since it is either malformed or otherwise incorrect.';

const known = new Map<string, Negotiated>();
const MAX_KNOWN = 1_000;
const MAX_KNOWN_LENGTH = 64;
const DEFAULT: Negotiated = { kind: 'accepted', microversion: MINIMUM_MICROVERSION };

/** Reads the request header; several services may share it, separated by commas. No header: 3.0. */
export function negotiate(header: string | string[] | undefined): Negotiated {
  if (header === undefined) return DEFAULT;
  const text = typeof header === 'string' ? header : header.join(',');
  const remembered = known.get(text);
  if (remembered !== undefined) return remembered;
  const negotiated = parseHeader(text);
  if (known.size < MAX_KNOWN && text.length <= MAX_KNOWN_LENGTH) known.set(text, negotiated);
  return negotiated;
}

function parseHeader(text: string): Negotiated {
  const entry = text
    .split(',')
    .map((part) => part.trim().split(/\s+/))
    .find(([service]) => service?.toLowerCase() === 'volume');
  if (entry === undefined) return { kind: 'malformed', reason: GENERIC };
  const [, version, ...rest] = entry;
  if (version === undefined) return { kind: 'malformed', reason: GENERIC };
  if (version === 'latest' && rest.length === 0) return { kind: 'accepted', microversion: MAXIMUM_MICROVERSION };
  // the original answers 500 to words behind the number; they are bad input like any other
  const match = rest.length === 0 ? NUMBER_FORM.exec(version) : null;
  if (match === null) {
    const named = [version, ...rest].join(' ');
    return {
      kind: 'malformed',
      reason: `API Version String ${named} is of invalid format. Must be of format MajorNum.MinorNum.`,
    };
  }
  const major = Number(match[1]);
  const minor = Number(match[2]);
  if (major === 3 && minor <= MAXIMUM_MICROVERSION) return { kind: 'accepted', microversion: minor };
  return { kind: 'unsupported', version, echo: major >= 3 ? `volume ${version}` : null };
}

/** The fault of a version that was not accepted: 400 without version headers, or 406 with the refused version echoed. */
export function microversionFault(negotiated: Exclude<Negotiated, { kind: 'accepted' }>): Fault {
  if (negotiated.kind === 'malformed') return new Fault(400, negotiated.reason);
  return new Fault(
    406,
    `Version ${negotiated.version} is not supported by the API. Minimum is 3.${MINIMUM_MICROVERSION} and maximum is 3.${MAXIMUM_MICROVERSION}.`,
  );
}
