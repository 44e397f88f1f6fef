export const MESSAGES_QUEUE = 'messages';

/** The jobs of the queue by name. */
export interface MessageJobs {
  create: { id: string; userId: string; text: string };
  announce: { id: string; title: string; body: string };
}
