export { queuePrefix, QueueModule } from './queue.module.ts';
export { TicketQueue, type TicketCounts } from './ticket-queue.ts';
export { parseTicket, SWEEP, TICKETS, type Ticket, type TicketEntry } from './ticket.ts';
export { TICKET_WORKER_OPTIONS } from './worker-options.ts';
