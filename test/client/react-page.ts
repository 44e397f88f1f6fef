/** A page with the hooks of React, for `react.browser.spec.ts`. */
import { createElement as h, StrictMode, useState, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient, sessionStorageOf, type ClientOptions, type TidingsClient } from '#client';
import {
  TidingsProvider,
  useAction,
  useConnectionState,
  useOutcomes,
  usePendingActions,
  useRoom,
  useTidings,
} from '#client/react';

/** What the site that serves the page gives it. */
export interface PageOptions extends Pick<ClientOptions, 'baseUrl' | 'socketUrl'> {
  jwt: string;
  roomId: string;
}

declare global {
  var options: PageOptions;
  var client: TidingsClient;
}

function Line({ id, text }: { id: string; text: string }): ReactElement {
  return h('p', { id }, text);
}

function Room({ id }: { id: string }): ReactElement {
  const [heard, setHeard] = useState<string[]>([]);
  const { step } = useRoom(id, (event) => {
    // All but who comes and goes.
    if ('offset' in event) setHeard((before) => [...before, (event.data as { text?: string }).text ?? event.type]);
  });
  return h('div', null, h(Line, { id: 'room', text: step }), h(Line, { id: 'heard', text: heard.join(',') }));
}

function Desk(): ReactElement {
  const tidings = useTidings();
  const state = useConnectionState();
  const pending = usePendingActions();
  const [outcomes, setOutcomes] = useState<number[]>([]);
  useOutcomes(({ offset }) => setOutcomes((before) => [...before, offset]));
  const message = useAction((text: string) => tidings.messages.create({ text }));
  const drill = useAction(() => tidings.resource('drills').create({ performMs: 30_000 }));
  return h(
    'div',
    null,
    h(Line, { id: 'state', text: state }),
    h(Line, { id: 'pending', text: pending.map(({ type }) => type).join(',') }),
    h(Line, { id: 'outcomes', text: outcomes.join(',') }),
    h(Line, { id: 'message', text: [message.step, message.action?.response?.text].filter(Boolean).join(' ') }),
    h(Line, { id: 'error', text: (message.error as { code?: string } | null)?.code ?? '' }),
    h(Line, { id: 'drill', text: [drill.step, drill.action?.status].filter(Boolean).join(' ') }),
    h('button', { id: 'send', onClick: () => void message.run('hello') }),
    h('button', { id: 'send-empty', onClick: () => void message.run('') }),
    h('button', { id: 'forget', onClick: message.reset }),
    h('button', { id: 'begin', onClick: () => void drill.run() }),
    h('button', { id: 'cancel', onClick: () => void tidings.actions.cancel(drill.action!.id) }),
  );
}

function App(): ReactElement {
  const [isShown, show] = useState(true);
  return h(
    'div',
    null,
    h('button', { id: 'toggle', onClick: () => show(!isShown) }),
    isShown && h(Desk),
    isShown && h(Room, { id: options.roomId }),
  );
}

const { jwt, roomId: _, ...urls } = options;
globalThis.client = createClient({ ...urls, token: () => jwt, storage: sessionStorageOf('tidings') });
void client.connect();
createRoot(document.querySelector('#root')!).render(
  h(StrictMode, null, h(TidingsProvider, { client, children: h(App) })),
);
