import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type CallContext, DriverError } from '../driver.ts';
import { asDriverError, unless } from './faults.ts';
import { type FileStore, hasToken } from './store.ts';

/** A take-over that is not finished has its directory under this name. */
const CLAIM = 'claim-';
/** Work of an older token, moved out of its reach and waiting to be removed. */
const FENCED = 'fenced-';

const fenced = (fencingToken: bigint): DriverError =>
  new DriverError(`fencing token ${fencingToken} is no longer valid: the backend was taken over`, { fenced: true });

interface WorkEntry {
  readonly name: string;
  readonly token: bigint;
}

/** Token directories and claims of one pool; what is neither is not ours. */
async function workEntries(directory: string): Promise<readonly WorkEntry[]> {
  const names = await readdir(directory);
  return names.flatMap((name) => {
    const token = /^(?:claim-)?(\d+)$/.exec(name)?.[1];
    return token === undefined ? [] : [{ name, token: BigInt(token) }];
  });
}

/**
 * Fences one pool. The claim is made before looking for others and gets its final name after, so that of two
 * concurrent take-overs the older one always fails: a call of a token works only while `work/<token>` is there.
 */
async function fencePool(store: FileStore, context: CallContext, pool: string): Promise<void> {
  const { fencingToken } = context;
  const { effects, layout } = store;
  const directory = layout.workDirectory(pool);
  const own = layout.tokenDirectory(pool, fencingToken);
  const claim = join(directory, `${CLAIM}${fencingToken}`);
  const isOwned = await hasToken(store, context, pool);
  const home = isOwned ? own : claim;
  if (!isOwned) await effects.makeDirectory(claim);
  const entries = await workEntries(directory);
  if (entries.some((entry) => entry.token > fencingToken)) {
    if (!isOwned) await effects.removeTree(claim);
    throw fenced(fencingToken);
  }
  for (const { name, token } of entries) {
    // One rename takes all unfinished work away: every later path of the older token leads nowhere.
    if (token < fencingToken) {
      await unless(['ENOENT'], effects.rename(join(directory, name), join(home, `${FENCED}${name}`)), undefined);
    }
  }
  if (
    !isOwned &&
    !(await unless(
      ['ENOENT'],
      effects.rename(claim, own).then(() => true),
      false,
    ))
  )
    throw fenced(fencingToken);
}

async function removeFenced(store: FileStore, { fencingToken }: CallContext, pool: string): Promise<void> {
  const own = store.layout.tokenDirectory(pool, fencingToken);
  for (const name of await readdir(own)) {
    if (name.startsWith(FENCED)) await store.effects.removeTree(join(own, name));
  }
}

/** Makes every call of an older token fail, then removes what such calls left. Fails itself when a newer token is there. */
export async function takeOver(store: FileStore, context: CallContext): Promise<void> {
  const { pools } = store.layout;
  context.signal.throwIfAborted();
  try {
    for (const pool of pools) await fencePool(store, context, pool);
  } catch (error) {
    throw asDriverError(error, 'take over the backend');
  }
  await fencedCall(store, context, pools, 'remove what an older owner left', async () => {
    for (const pool of pools) await removeFenced(store, context, pool);
  });
}

const isFencedOut = async (store: FileStore, context: CallContext, pools: readonly string[]): Promise<boolean> => {
  for (const pool of pools) if (!(await hasToken(store, context, pool))) return true;
  return false;
};

/** Rejects with a fenced DriverError where the token is no longer valid in one of the pools. */
export async function requireToken(store: FileStore, context: CallContext, pools: readonly string[]): Promise<void> {
  if (await isFencedOut(store, context, pools)) throw fenced(context.fencingToken);
}

/**
 * Runs one call in the pools it touches. Rejects with the signal's reason where it aborted, with a fenced DriverError
 * where the token is no longer valid, else with the driver's words for what failed. `doing` completes "cannot …".
 * `needsToken`: the work cannot be done without the token's directory, so that is not looked for first.
 */
export async function fencedCall<T>(
  store: FileStore,
  context: CallContext,
  pools: readonly string[],
  doing: string,
  work: () => Promise<T>,
  { needsToken = false }: { readonly needsToken?: boolean } = {},
): Promise<T> {
  context.signal.throwIfAborted();
  if (!needsToken) await requireToken(store, context, pools);
  try {
    return await work();
  } catch (error) {
    if (context.signal.aborted) throw context.signal.reason;
    if (error instanceof DriverError) throw error;
    const mapped = asDriverError(error, doing);
    // A path that is gone is most often the token's directory, taken away by a newer owner.
    if (mapped !== error && (await isFencedOut(store, context, pools).catch(() => false)))
      throw fenced(context.fencingToken);
    throw mapped;
  }
}
