import type { Call } from '../call.ts';
import { visibleVolume } from './target.ts';
import { volumeView } from './views.ts';

/** What create and update answer: the volume as the read model has it now. */
export async function volumeAnswer(call: Call, volumeId: string): Promise<object> {
  const volume = await visibleVolume(call, volumeId);
  return { volume: volumeView(call, volume, await call.deps.typeNames.nameOf(volume.volumeTypeId)) };
}
