import type { Clock } from '../ports/clock.ts';
import type { VolumeTypeQueries } from '../projections/volume-types.ts';

/** Names of volume types by id: every volume shows its type's, and types are few and rarely renamed. */
export interface TypeNames {
  /** The name, or null when there is no such type; answers at once when it is known. */
  nameOf(typeId: string): string | null | Promise<string | null>;
  /** Looked up again at next use: called when a type is changed here. */
  forget(typeId: string): void;
}

/** How long a rename by another process may stay unseen. */
const FRESH_MS = 1_000;

export function createTypeNames(types: VolumeTypeQueries, clock: Clock): TypeNames {
  const known = new Map<string, { readonly name: string | null; readonly until: number }>();
  const lookUp = async (typeId: string): Promise<string | null> => {
    const name = (await types.get(typeId))?.name ?? null;
    known.set(typeId, { name, until: clock.monotonicMs() + FRESH_MS });
    return name;
  };
  return {
    nameOf: (typeId) => {
      const entry = known.get(typeId);
      return entry !== undefined && entry.until > clock.monotonicMs() ? entry.name : lookUp(typeId);
    },
    forget: (typeId) => {
      known.delete(typeId);
    },
  };
}
