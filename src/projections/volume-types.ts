import type { Document } from '../ports/read-store.ts';

/** Collection `volumeTypes`. */
export interface VolumeTypeDocument extends Document {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly isPublic: boolean;
  readonly extraSpecs: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly updatedAt: number | null;
}

/** Collection `defaultTypes`: `id` is the project's. */
export interface DefaultTypeDocument extends Document {
  readonly id: string;
  readonly volumeTypeId: string;
}
