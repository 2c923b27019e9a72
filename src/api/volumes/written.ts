import type { VolumeDocument } from '../../projections/volumes.ts';
import type { Call } from '../call.ts';
import { createMemo } from '../memo.ts';
import { isSeenFrom, type Viewpoint, viewpointOf } from '../written.ts';
import { volumeFullView } from './views.ts';

interface WrittenVolume {
  readonly from: Viewpoint;
  readonly typeName: string | null;
  readonly text: string;
}

/** What was written of a document last: most are asked for again and again by clients that look alike. */
const lastWritten = createMemo<VolumeDocument, WrittenVolume>();

/** A volume as show and the detailed list answer it, as JSON text. */
export function volumeFullText(call: Call, volume: VolumeDocument, typeName: string | null): string {
  const before = lastWritten.of(volume);
  if (before !== undefined && before.typeName === typeName && isSeenFrom(before.from, call)) return before.text;
  const text = JSON.stringify(volumeFullView(call, volume, typeName));
  lastWritten.keep(volume, { from: viewpointOf(call), typeName, text });
  return text;
}
