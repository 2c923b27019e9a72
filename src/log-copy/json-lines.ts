import { createReadStream } from 'node:fs';
import { z } from 'zod';
import type { EventMetadata } from '../domain/kernel/event.ts';
import type { RecordedEvent } from '../ports/event-store.ts';
import { NotCopied } from './check-source.ts';
import type { LoggedEvent, LogSource } from './log-source.ts';

/** One event as a line of JSON; position and time of recording are the log's that it came from. */
export const lineOf = ({ position, recordedAt, stream, revision, id, type, data, metadata }: RecordedEvent): string =>
  JSON.stringify({
    position: Number(position),
    recordedAt,
    stream,
    revision: Number(revision),
    id,
    type,
    data,
    metadata,
  });

const line = z.object({
  stream: z.string().min(1),
  revision: z.int().min(0),
  id: z.uuid(),
  type: z.string().min(1),
  data: z.unknown(),
  metadata: z.looseObject({ commandId: z.string(), actor: z.looseObject({}), at: z.number(), schemaVersion: z.int() }),
});

/** A file of such lines. Reading it throws NotCopied, which names the line and the field. */
export const fileSource = (file: string): LogSource => ({
  read: async function* () {
    let number = 0;
    for await (const text of linesOf(file)) {
      number += 1;
      yield eventOf(text, `${file}: line ${number}`);
    }
  },
});

/** Split at line feeds alone: `readline` also splits at U+2028, which JSON leaves as it is inside a text. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8' }) as AsyncIterable<string>) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}

function eventOf(text: string, where: string): LoggedEvent {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new NotCopied(`${where} is no JSON; a file that was cut off is exported again`);
  }
  const parsed = line.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new NotCopied(`${where}: ${issue?.path.join('.') || 'the line'}: ${issue?.message}`);
  }
  // Not the parsed one: zod makes objects anew, and the order of their keys is part of the bytes.
  const { stream, revision, id, type, data, metadata } = value as z.infer<typeof line>;
  if (data === undefined) throw new NotCopied(`${where}: data: it is missing`);
  return { stream, revision: BigInt(revision), id, type, data, metadata: metadata as unknown as EventMetadata };
}
