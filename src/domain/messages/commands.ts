/** Whether the message is there is the caller's to know: messages are made by a projection. */
export interface DeleteMessage {
  readonly type: 'DeleteMessage';
  readonly projectId: string;
  readonly messageId: string;
}

export type MessagesCommand = DeleteMessage;
