import type { CommandHandler } from '../commands/handle.ts';
import { registerService } from '../commands/services.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import { serviceName } from './pool-reports.ts';
import type { OperationsLogger } from './services.ts';

/** Binary name of what places volumes and drives operations, as the services API shows it. */
export const SCHEDULER_BINARY = 'cinder-scheduler';

export interface SchedulerService {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Registers the scheduler of this host and gives its signs of life; several processes of one host are one service. */
export function createSchedulerService(deps: {
  readonly host: string;
  readonly availabilityZone: string;
  readonly beatEveryMs: number;
  readonly handler: CommandHandler;
  readonly coordination: Pick<Coordination, 'beat'>;
  readonly clock: Clock;
  readonly logger: OperationsLogger;
}): SchedulerService {
  const { host, availabilityZone, beatEveryMs, handler, coordination, clock, logger } = deps;
  const stopping = new AbortController();
  let loop: Promise<void> = Promise.resolve();
  let registered = false;

  const register = async (): Promise<void> => {
    await registerService(handler, { binary: SCHEDULER_BINARY, host, availabilityZone }, clock.now());
    registered = true;
  };

  const beat = async (): Promise<void> => {
    try {
      if (!registered) await register();
      await coordination.beat(serviceName(SCHEDULER_BINARY, host), clock.now(), { kind: 'scheduler', host });
    } catch (error) {
      logger.warn({ err: error }, 'the scheduler cannot give a sign of life now');
    }
  };

  return {
    start: async () => {
      await beat();
      loop = (async () => {
        while (!stopping.signal.aborted) {
          await clock.sleep(beatEveryMs, stopping.signal).catch(() => undefined);
          if (!stopping.signal.aborted) await beat();
        }
      })();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}
