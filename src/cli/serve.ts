import { flushCompileCache } from 'node:module';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { collectWhenIdle } from '../adapters/system/idle-collection.ts';
import { loadConfig } from '../config.ts';
import { startServer } from '../server/server.ts';
import type { CommonOptions } from './program.ts';

interface ServeOptions extends CommonOptions {
  readonly roles?: string;
}

/** How long a stop may take before the process ends anyway; what is unfinished is resumed at the next start. */
const STOP_WITHIN_MS = 30_000;

/** `scoria serve`: runs until SIGTERM or SIGINT. */
export async function serve(options: ServeOptions): Promise<void> {
  const config = loadConfig({ file: options.config, roles: options.roles });
  const logger = pino({ level: config.logLevel, redact: ['*.headers["x-auth-token"]', '*.authKey', '*.auth_key'] });
  const server = await startServer(config, logger);
  // Now, and not at the end: a server may be killed.
  flushCompileCache();
  collectWhenIdle();
  closeWithGrace({ delay: STOP_WITHIN_MS, logger }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'unexpected error, stopping');
    else logger.info({ signal }, 'stopping');
    await server.stop();
  });
}
