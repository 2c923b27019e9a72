type ExtraSpecs = Readonly<Record<string, string>>;

/** Commands to the one stream of all volume types. `inUse`: whether a volume has the type, as the caller found it. */
export type VolumeTypesCommand =
  | {
      readonly type: 'CreateVolumeType';
      readonly typeId: string;
      readonly name: string;
      readonly description: string | null;
      readonly isPublic: boolean;
      readonly extraSpecs: ExtraSpecs;
    }
  /** Makes the type that volumes get when nothing else says; nothing where it is there. */
  | { readonly type: 'EnsureDefaultType'; readonly typeId: string }
  /** What is absent stays as it is. */
  | {
      readonly type: 'UpdateVolumeType';
      readonly typeId: string;
      readonly name?: string;
      readonly description?: string | null;
      readonly isPublic?: boolean;
    }
  | { readonly type: 'DeleteVolumeType'; readonly typeId: string; readonly inUse: boolean }
  /** Merged into what the type has. */
  | {
      readonly type: 'SetExtraSpecs';
      readonly typeId: string;
      readonly extraSpecs: ExtraSpecs;
      readonly inUse: boolean;
    }
  | { readonly type: 'DeleteExtraSpec'; readonly typeId: string; readonly key: string; readonly inUse: boolean }
  | { readonly type: 'SetDefaultVolumeType'; readonly projectId: string; readonly typeId: string }
  | { readonly type: 'UnsetDefaultVolumeType'; readonly projectId: string };
