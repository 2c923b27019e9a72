import { resolve } from 'node:path';
import { NotCopied } from '../log-copy/check-source.ts';
import { type Comparison, partingText } from '../log-copy/compare-logs.ts';
import { type CopyReport, compareCopy, copyLog, type Phase } from '../log-copy/copy-log.ts';
import { fileSource } from '../log-copy/json-lines.ts';
import { type LogSource, storeSource } from '../log-copy/log-source.ts';
import type { EventStore } from '../ports/event-store.ts';
import { checkStreams, type LogLocation, locationOf, locationText, openToRead, openToWrite } from './log-locations.ts';
import { printRecord } from './output.ts';
import type { CommonOptions } from './program.ts';
import { withProgress } from './progress.ts';

interface TargetOptions extends CommonOptions {
  readonly verifyOnly?: boolean;
}

interface CopyOptions extends TargetOptions {
  readonly from: string;
  readonly to: string;
}

interface ImportOptions extends TargetOptions {
  readonly file: string;
  readonly to?: string;
}

/** `scoria events copy`: exit status 1 where the logs differ afterwards, or nothing could be copied. */
export async function eventsCopy(options: CopyOptions): Promise<void> {
  const from = locationOf(options.from, '--from', options);
  const to = locationOf(options.to, '--to', options);
  if (isSame(from, to)) throw new Error('--to: it is the log of --from');
  const store = await openToRead(from);
  try {
    await refusing(async () => {
      await checkStreams(from, store);
      const bothEmbedded = from.kind === 'embedded' && to.kind === 'embedded';
      await copyInto(storeSource(store), to, { ...options, what: locationText(from), keepsForeign: bothEmbedded });
    });
  } finally {
    await store.close();
  }
}

/** `scoria events import`: as `copy`, out of a file that `export` wrote. */
export async function eventsImport(options: ImportOptions): Promise<void> {
  const to = locationOf(options.to, '--to', options);
  await refusing(() =>
    copyInto(fileSource(options.file), to, {
      ...options,
      what: options.file,
      keepsForeign: to.kind === 'embedded',
    }),
  );
}

/**
 * The embedded store's writer takes appends in the order in which they are sent, and commits them as groups. A server of
 * EventStoreDB's protocol promises that for one stream only, and one that is sent again comes behind the others.
 */
const APPENDS_IN_FLIGHT = { embedded: 64, engine: 1 } as const;

interface Copying extends TargetOptions {
  readonly what: string;
  readonly keepsForeign: boolean;
}

async function copyInto(source: LogSource, to: LogLocation, options: Copying): Promise<void> {
  const target = await (options.verifyOnly === true ? openToRead(to) : openToWrite(to));
  try {
    const { report, comparison } = await withProgress('events', (onBar) => {
      const onProgress = (_: Phase, done: number, total: number | null): void => onBar(done, total ?? done);
      return work(source, target, { ...options, inFlight: APPENDS_IN_FLIGHT[to.kind] }, onProgress);
    });
    const { same, parting } = comparison;
    printRecord(
      { from: options.what, to: locationText(to), ...report, compared: same, equal: parting === null },
      options,
    );
    if (parting === null) return;
    complain(`the logs differ ${partingText(parting)}`);
  } finally {
    await target.close();
  }
}

async function work(
  source: LogSource,
  target: EventStore,
  { verifyOnly, keepsForeign, inFlight }: Copying & { readonly inFlight: number },
  onProgress: (phase: Phase, done: number, total: number | null) => void,
): Promise<{ readonly report: Partial<CopyReport>; readonly comparison: Comparison }> {
  if (verifyOnly === true) {
    return { report: {}, comparison: await compareCopy(source, target, Number.POSITIVE_INFINITY, onProgress) };
  }
  const report = await copyLog(source, target, { keepsForeign, inFlight, onProgress });
  return { report, comparison: await compareCopy(source, target, report.events, onProgress) };
}

const isSame = (from: LogLocation, to: LogLocation): boolean =>
  from.kind === 'embedded' && to.kind === 'embedded'
    ? resolve(from.directory) === resolve(to.directory)
    : from.kind === 'engine' && to.kind === 'engine' && from.connectionString === to.connectionString;

/** A refusal is said in one line. */
async function refusing(copy: () => Promise<void>): Promise<void> {
  try {
    await copy();
  } catch (error) {
    if (!(error instanceof NotCopied)) throw error;
    complain(error.message);
  }
}

function complain(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
