import type { CommandContext } from '../../src/commands/handle.ts';
import { deriveId } from '../../src/domain/kernel/ids.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import type { Api } from './node.ts';
import type { Observer } from './observer.ts';
import { type Answer, chooseRequest, creation, type Request } from './requests.ts';
import type { Scheduler, SimProcess } from './scheduler.ts';

/** How a request came out, as its client knows it. */
export interface Told {
  readonly what: string;
  readonly commandId: string;
  readonly volumeId: string;
  readonly operationId: string | null;
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  readonly code: string | null;
  /** Sent twice at once: one sending may be refused for what the other, a moment later, was granted. */
  readonly twice: boolean;
}

export interface Clients {
  /** Resolves when everything that was to be asked has been. */
  run(requests: number): Promise<void>;
  readonly told: readonly Told[];
}

const MOST_SENDINGS = 3;
/** How often a client sends the same request twice at once. */
const TWINS = 0.06;
const CLIENTS = 4;

/** Clients that ask for anything, at the same time and of the same volumes; some send again what was not answered. */
export function createClients(options: {
  readonly scheduler: Scheduler;
  readonly process: SimProcess;
  readonly observer: Observer;
  /** The API that answers now; null while there is none. */
  readonly api: () => Api | null;
  /** Whether the read models have this volume. */
  readonly isShown: (volumeId: string) => boolean;
  readonly note: (line: string) => void;
}): Clients {
  const { scheduler, process, observer, api, isShown, note } = options;
  const { random } = scheduler;
  const told: Told[] = [];
  const authKeys = new Map<string, string>();
  let requests = 0;

  /** Null: no answer came. */
  const send = async ({ ask }: Request, context: CommandContext): Promise<Answer | null> => {
    const server = api();
    if (server === null) return null;
    const asked = ask(server, context).catch((error: unknown) => {
      if (error instanceof StoreUnavailable) return null;
      throw error;
    });
    const answer = await Promise.race([asked, server.process.died.then(() => null)]);
    if (answer?.kind === 'accepted') await readOwnWrite(server, answer);
    return answer;
  };

  /** Once the read models have its position, a client sees what it did. */
  const readOwnWrite = async ({ projections, process: server }: Api, { position, volumeId }: Answer): Promise<void> => {
    if (position === null || position === undefined) return;
    const reached = await Promise.race([projections.waitFor(position, 2_000), server.died.then(() => false)]);
    const lives = observer.log.volumes.get(volumeId ?? '')?.volume?.deleted === false;
    if (reached && lives && !isShown(volumeId ?? '')) observer.breach(`volume ${volumeId} is not shown to who made it`);
  };

  const tell = (
    number: number,
    request: Request,
    sent: Pick<Told, 'commandId' | 'twice'>,
    answer: Answer | null,
  ): Told['outcome'] => {
    const code = answer?.rejection?.code ?? null;
    const unknown = answer === null || code === 'TryAgain';
    const outcome = unknown ? 'unknown' : answer.kind === 'accepted' ? 'accepted' : 'refused';
    note(`request ${number} is ${outcome}${code === null ? '' : `: ${code}`}`);
    const volumeId = answer?.volumeId ?? request.volumeId;
    told.push({
      ...sent,
      what: request.what,
      volumeId,
      operationId: answer?.operationId ?? null,
      outcome,
      code,
    });
    if (answer?.authKey !== undefined && answer.transferId !== undefined)
      authKeys.set(answer.transferId, answer.authKey);
    return outcome;
  };

  /** Sends a request until it is answered or given up; sometimes twice at once, sometimes the second with another body. */
  const one = async (request: Request): Promise<void> => {
    requests += 1;
    const number = requests;
    const commandId = deriveId('simulated request', number);
    const contextOf = ({ what, projectId }: Request): CommandContext => ({
      commandId,
      correlationId: `req-${commandId}`,
      causationId: commandId,
      actor: { userId: `user of ${projectId}`, projectId, roles: ['admin'], kind: 'user' },
      requestHash: what,
    });
    const twin = random.chance(TWINS) ? request : null;
    const other = request.volumeId === 'new' && random.chance(0.5) ? creation(random, request.projectId, []) : twin;
    for (let sending = 1; sending <= MOST_SENDINGS; sending += 1) {
      note(`request ${number}${sending > 1 ? ' again' : ''}: ${request.what}`);
      const second = twin === null || other === null ? null : send(other, contextOf(other));
      const sent = { commandId, twice: second !== null };
      const outcome = tell(number, request, sent, await send(request, contextOf(request)));
      if (second !== null && other !== null) tell(number, other, sent, await second);
      if (outcome !== 'unknown' || random.chance(0.3)) return;
      await scheduler.turn(process, 'client waits', { delayMs: random.between(0, 2_000) });
    }
  };

  const client = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      const delayMs = random.chance(0.6) ? random.between(0, 5) : random.between(0, 3_000);
      await scheduler.turn(process, 'client thinks', { delayMs });
      while (api() === null) await scheduler.turn(process, 'client finds no server', { delayMs: 100 });
      await one(chooseRequest(random, observer, authKeys));
    }
  };

  return {
    told,
    run: async (count) => {
      const share = Math.ceil(count / CLIENTS);
      await Promise.all(Array.from({ length: CLIENTS }, () => client(share)));
    },
  };
}
