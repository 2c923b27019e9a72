import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { untilAgreed } from './agreement.ts';
import { type Look, lookCommands } from './looks.ts';
import { live, type Model } from './model.ts';
import { otherCommands } from './other-commands.ts';
import type { Plan, Planned } from './planned.ts';
import type { Answer, Ask, Real } from './real.ts';
import { volumeCommands } from './volume-commands.ts';

/**
 * How a sequence is sent. `settled`: after each request everything comes to rest and is compared, so that the model says
 * what each answer must be. `hasty`: requests come while operations still work; what is busy may be refused, but what is
 * accepted must have its effect, and all is compared when it has come to rest.
 */
export type Mode = 'settled' | 'hasty';

/** One run: the model, the server, and what operations may still be working on. */
export interface World {
  readonly model: Model;
  readonly real: Real;
  readonly busy: Set<object>;
  /** What was sent, and what came of it. */
  readonly trace: string[];
}

type Command = fc.AsyncCommand<World, World>;

/** Refusals of what would be accepted at rest. */
const BUSY_STATUSES = [400, 404, 409, 413];

/** Waits until everything agrees; throws what does not. */
export async function comeToRest({ model, real, busy }: World): Promise<void> {
  const found = await untilAgreed(model, real);
  if (found.length > 0) throw new Error(found.join('\n'));
  busy.clear();
  for (const volume of live(model.volumes).filter(({ mayFail }) => mayFail)) {
    const { json } = await real.ask({ method: 'GET', path: `/volumes/${volume.id}`, project: volume.project });
    volume.mayFail = false;
    if (json.volume.status !== 'error') continue;
    volume.status = 'error';
    volume.placed = false;
  }
}

/** What is wrong with an answer, or null; an accepted request has its effect on the model. */
function judge({ model, busy }: World, planned: Planned, answer: Answer): string | null {
  const { verdict, on, counts = false, starts = false, harmless = false, ends = [] } = planned;
  const isBusy = on.some((thing) => busy.has(thing));
  const isAccepted = answer.status < 300;
  const told = `answered ${answer.status} ${answer.text.slice(0, 300)}, the model has ${verdict.status}`;
  if (answer.status !== verdict.status) {
    // it is going, but not gone: whatever is done to it goes with it
    if (isAccepted) return isBusy && harmless ? null : told;
    const overBusyQuota = counts && busy.size > 0 && [400, 413].includes(answer.status);
    const refusedAsBusy = isBusy && BUSY_STATUSES.includes(answer.status);
    return overBusyQuota || refusedAsBusy ? null : told;
  }
  if (!isAccepted) return null;
  const before = new Set<object>([...model.volumes, ...model.snapshots]);
  verdict.apply?.(answer.json);
  if (!starts) return null;
  const made = [...model.volumes, ...model.snapshots].filter((thing) => !before.has(thing));
  for (const thing of [...on, ...made]) busy.add(thing);
  for (const { id } of ends) letGo(model, busy, id);
  return null;
}

/** Volumes that are being made from what goes away may fail. */
function letGo(model: Model, busy: ReadonlySet<object>, id: string): void {
  for (const volume of model.volumes) if (volume.source === id && busy.has(volume)) volume.mayFail = true;
}

const asCommand = (check: (world: World) => boolean, run: (world: World) => Promise<void>): Command => ({
  check: (world) => check(world as World),
  run: (world) => run(world),
});

/** `twice`: under an Idempotency-Key, and where it was accepted once more under the same: nothing more may come of that. */
function changeCommand(plan: Plan, mode: Mode, twice: boolean): Command {
  return asCommand(
    () => true,
    async (world) => {
      const { model, real, busy, trace } = world;
      const planned = await plan(model, real);
      // while something works on it nobody can say what comes of overriding it
      if (planned.overrides === true && planned.on.some((thing) => busy.has(thing))) return;
      const ask = twice ? { ...planned.ask, key: randomUUID() } : planned.ask;
      const answer = await real.ask(ask);
      trace.push(`${planned.shown} -> ${answer.status}`);
      const wrong = judge(world, planned, answer);
      if (wrong !== null) throw new Error(wrong);
      if (twice && answer.status < 300) await sendAgain(world, ask, answer);
      if (mode === 'settled') await comeToRest(world);
    },
  );
}

async function sendAgain({ real, trace }: World, ask: Ask, first: Answer): Promise<void> {
  const second = await real.ask(ask);
  trace.push(`the same again under its key -> ${second.status}`);
  // the key of an offer is shown only once
  const isOffer = first.json?.transfer?.auth_key !== undefined;
  // what an update shows may have moved on with what works on it
  const shows = ask.method === 'PUT' ? '' : second.text;
  const isSame = isOffer
    ? second.status === 409
    : second.status === first.status && (shows === '' || shows === first.text);
  if (!isSame) throw new Error(`answered ${second.status} ${second.text}, and before ${first.status} ${first.text}`);
}

const lookCommand = ({ shown, look }: Look): Command =>
  asCommand(
    ({ busy }) => busy.size === 0,
    async ({ model, real, trace }) => {
      trace.push(shown);
      const wrong = await look(model, real);
      if (wrong !== null) throw new Error(wrong);
    },
  );

const rest = (): Command =>
  asCommand(
    ({ busy }) => busy.size > 0,
    async (world) => {
      world.trace.push('everything comes to rest');
      await comeToRest(world);
    },
  );

const twice = fc.constantFrom(false, false, false, false, true);

/** Sequences of so many requests at most. */
export function sequences(mode: Mode, maxCommands: number): fc.Arbitrary<Iterable<Command>> {
  const changes = [...volumeCommands, ...otherCommands].map((plan) =>
    fc.tuple(plan, twice).map(([one, again]) => changeCommand(one, mode, again)),
  );
  const looks = lookCommands.map((look) => look.map(lookCommand));
  const rests = mode === 'hasty' ? [fc.constant(null).map(rest), fc.constant(null).map(rest)] : [];
  return fc.commands([...changes, ...looks, ...rests], { maxCommands, size: '+2' });
}
