import { open, rename, rm } from 'node:fs/promises';
import { checkSource } from '../log-copy/check-source.ts';
import { lineOf } from '../log-copy/json-lines.ts';
import { isSystemStream, storeSource } from '../log-copy/log-source.ts';
import type { EventStore } from '../ports/event-store.ts';
import { checkStreams, locationOf, openToRead } from './log-locations.ts';
import { printRecord } from './output.ts';
import type { CommonOptions } from './program.ts';
import { withProgress } from './progress.ts';

interface ExportOptions extends CommonOptions {
  readonly from?: string;
  readonly file?: string;
}

const CHUNK_CHARACTERS = 256 * 1024;

/** `scoria events export`: to a file, which bears its name only when it is complete, or to the standard output. */
export async function eventsExport(options: ExportOptions): Promise<void> {
  const from = locationOf(options.from, '--from', options);
  const store = await openToRead(from);
  try {
    await checkStreams(from, store);
    const total = await checkSource(storeSource(store), { keepsForeign: from.kind === 'embedded' });
    const { file } = options;
    if (file === undefined) {
      for await (const text of chunksOf(store)) await written(text);
      return;
    }
    await withProgress('events exported', (onProgress) => exportTo(file, store, (done) => onProgress(done, total)));
    printRecord({ file, events: total }, options);
  } finally {
    await store.close();
  }
}

async function exportTo(file: string, store: EventStore, onProgress: (done: number) => void): Promise<void> {
  const partial = `${file}.partial`;
  const handle = await open(partial, 'w', 0o600);
  try {
    for await (const text of chunksOf(store, onProgress)) await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await rename(partial, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(partial, { force: true });
    throw error;
  }
}

async function* chunksOf(store: EventStore, onProgress?: (done: number) => void): AsyncGenerator<string> {
  let text = '';
  let done = 0;
  for await (const event of store.readAll()) {
    if (isSystemStream(event.stream)) continue;
    text += `${lineOf(event)}\n`;
    done += 1;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = '';
    onProgress?.(done);
  }
  yield text;
}

const written = (text: string): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error == null ? resolve() : reject(error)));
  });
