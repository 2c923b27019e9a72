/** A command that a rule refused. */
export interface RecordRefusal {
  readonly type: 'RecordRefusal';
  readonly projectId: string;
  /** Type of the refused command, the stream it went to, and the rejection's code and sentence. */
  readonly command: string;
  readonly stream: string;
  readonly code: string;
  readonly message: string;
}

export type RefusalsCommand = RecordRefusal;
