import fc from 'fast-check';
import {
  live,
  type Model,
  type Project,
  type Snapshot,
  type Transfer,
  type Type,
  type Verdict,
  type Volume,
} from './model.ts';
import type { Ask, Real } from './real.ts';

/** One request, as the model sees it at the moment it is sent. */
export interface Planned {
  /** For people: `extend v2 to 4 GiB`. */
  readonly shown: string;
  readonly ask: Ask;
  readonly verdict: Verdict;
  /** What it acts on or depends on. */
  readonly on: readonly (Volume | Snapshot | Transfer | Type)[];
  /** An accepted one starts an operation, so that all this is busy for a while. */
  readonly starts?: boolean;
  /** It asks for more of the project's quota, or says how much there is. */
  readonly counts?: boolean;
  /** It lets go of these: what is being made from them may fail. */
  readonly ends?: readonly (Volume | Snapshot)[];
  /** Sent to something that is going away it may be accepted, and changes nothing that stays. */
  readonly harmless?: boolean;
  /** An administrator overrides whatever works on it: what comes of that is not foretold while something does. */
  readonly overrides?: boolean;
}

export type Plan = (model: Model, real: Real) => Planned | Promise<Planned>;

const UNKNOWN = '00000000-0000-4000-8000-000000000000';

/** Mostly something that is there, now and then something that was, or never was. */
export function pick<T extends { readonly gone: boolean }>(things: readonly T[], n: number): T | null {
  const there = live(things);
  const others = n % 11 === 0 || there.length === 0 ? things : there;
  return n % 97 === 0 ? null : (others[n % Math.max(others.length, 1)] ?? null);
}

export const idOf = (thing: { readonly id: string } | null): string => thing?.id ?? UNKNOWN;
export const some = <T>(...things: readonly (T | null)[]): readonly T[] => things.filter((thing) => thing !== null);
const named = (letter: string, things: readonly unknown[], thing: unknown): string =>
  thing === null ? 'nothing' : `${letter}${things.indexOf(thing) + 1}`;
export const v = ({ volumes }: Model, volume: Volume | null): string => named('v', volumes, volume);
export const s = ({ snapshots }: Model, snapshot: Snapshot | null): string => named('s', snapshots, snapshot);
export const t = ({ transfers }: Model, transfer: Transfer | null): string => named('t', transfers, transfer);

export const index = fc.nat({ max: 10_000 });
export const project = fc.constantFrom<Project>('a', 'a', 'b');

type Who = 'owner' | 'stranger';
export const who = fc.constantFrom<Who>(...Array<Who>(9).fill('owner'), 'stranger');

/** Who asks: mostly the project whose thing it is. */
export function actor(who: Who, thing: { readonly project: Project } | null): Project {
  const owner = thing?.project ?? 'a';
  return who === 'owner' ? owner : owner === 'a' ? 'b' : 'a';
}
export const name = fc.constantFrom(null, 'one', 'two', 'three');
export const pairs = fc.dictionary(fc.constantFrom('k1', 'k2', 'constructor'), fc.constantFrom('x', 'y'), {
  maxKeys: 2,
});
export const size = fc.constantFrom(1, 1, 2, 3, 5);
export const short = fc.boolean();

export const on = (volume: Volume | null, action: object, asked: Pick<Ask, 'project' | 'admin' | 'short'>): Ask => ({
  method: 'POST',
  path: `/volumes/${idOf(volume)}/action`,
  body: action,
  ...asked,
});
