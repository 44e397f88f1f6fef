export { TidingsProvider, useTidings, type TidingsProviderProps } from './tidings-provider.ts';
export { useAction, type ActionRun, type ActionState, type ActionStep } from './use-action.ts';
export { useConnectionState } from './use-connection-state.ts';
export { useOutcomes } from './use-outcomes.ts';
export { usePendingActions } from './use-pending-actions.ts';
export { useRoom, type RoomState } from './use-room.ts';
