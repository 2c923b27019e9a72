import { hash, timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import type { EventToAppend } from '../ports/event-store.ts';
import { isScorias } from './content.ts';
import { accessDenied, unauthenticated } from './refusals.ts';
import { subjectOf } from './wire.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Streams that are Scoria's own: its state is folded from them, so that nobody else's events may land there. */
export interface OwnStreams {
  readonly prefixes: readonly string[];
  /** Whether Scoria itself appends to them through this server; else they are for reading only. */
  readonly writable: boolean;
}

/** Who calls; everybody who may call may do everything that `OwnStreams` leaves. */
export interface Access {
  /** The user's name, `anonymous` where nobody has to say one. Throws where the caller may not read or write streams. */
  userOf(metadata: Metadata): string;
  /** Throws where the stream takes no such append. */
  checkAppend(stream: string, events: readonly EventToAppend[]): void;
  checkDelete(stream: string): void;
}

const ANONYMOUS = 'anonymous';

export function createAccess(credentials: readonly Credentials[] | undefined, ownStreams: OwnStreams | null): Access {
  const isOwn = (stream: string): boolean =>
    ownStreams?.prefixes.some((prefix) => subjectOf(stream).startsWith(prefix)) === true;
  return {
    userOf: (metadata) => {
      if (credentials === undefined) return ANONYMOUS;
      const [header] = metadata.get('authorization');
      if (header === undefined) throw accessDenied();
      const given = basicCredentials(header.toString());
      const known = credentials.find((user) => given !== null && isSame(user, given));
      if (known === undefined) throw unauthenticated();
      return known.username;
    },
    checkAppend: (stream, events) => {
      if (!isOwn(stream)) return;
      const allowed = ownStreams?.writable === true && subjectOf(stream) === stream && events.every(isScorias);
      if (!allowed) throw accessDenied();
    },
    checkDelete: (stream) => {
      if (isOwn(stream)) throw accessDenied();
    },
  };
}

const BASIC = /^Basic\s+(\S+)$/i;

function basicCredentials(header: string): Credentials | null {
  const encoded = BASIC.exec(header)?.[1];
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Takes as long for a wrong password as for a right one. */
function isSame(known: Credentials, given: Credentials): boolean {
  const digest = ({ username, password }: Credentials): Buffer => hash('sha256', `${username}\n${password}`, 'buffer');
  return timingSafeEqual(digest(known), digest(given));
}
