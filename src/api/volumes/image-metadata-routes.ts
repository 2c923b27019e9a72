import { commandContextOf, settled } from '../call.ts';
import type { AnyRoute } from '../route.ts';
import { volumeAction } from './action.ts';
import { setImageMetadataBody, unsetImageMetadataBody } from './schemas.ts';
import { visibleVolume } from './target.ts';

/** Actions on what a volume remembers of the image that it was made from. */
export const volumeImageMetadataRoutes: readonly AnyRoute[] = [
  volumeAction({
    id: 'volume-image-metadata-set',
    action: 'os-set_image_metadata',
    summary: 'Set image metadata on a volume',
    status: 200,
    policy: ['volume_extension:volume_image_metadata:set', 'volume:update_volume_metadata'],
    body: setImageMetadataBody,
    handler: async (call, { body, target }) => {
      const change = { volumeId: target.id, metadata: body['os-set_image_metadata'].metadata };
      await settled(call, await call.deps.commands.volumes.setImageMetadata(change, commandContextOf(call)));
      return { metadata: (await visibleVolume(call, target.id)).imageMetadata };
    },
  }),
  volumeAction({
    id: 'volume-image-metadata-unset',
    action: 'os-unset_image_metadata',
    summary: 'Remove one image metadata key',
    status: 200,
    policy: [
      'volume_extension:volume_image_metadata:remove',
      'volume:get_volume_metadata',
      'volume:delete_volume_metadata',
    ],
    body: unsetImageMetadataBody,
    handler: async (call, { body, target }) => {
      const removal = { volumeId: target.id, key: body['os-unset_image_metadata'].key };
      await settled(call, await call.deps.commands.volumes.unsetImageMetadata(removal, commandContextOf(call)));
    },
  }),
  volumeAction({
    id: 'volume-image-metadata-show',
    action: 'os-show_image_metadata',
    summary: 'Show image metadata of a volume',
    status: 200,
    policy: 'volume:get_volume_metadata',
    handler: (_call, { target }) => ({ metadata: target.imageMetadata }),
  }),
];
