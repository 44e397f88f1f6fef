export { Batches } from './batched-history.ts';
export { ChannelHistory, type HistoryPage, type HistoryRequest } from './channel-history.ts';
export { ChannelsClient } from './channels.client.ts';
export { ChannelsModule } from './channels.module.ts';
export { ChannelsServer } from './channels.server.ts';
export { OrderedChannel } from './ordered-channel.ts';
