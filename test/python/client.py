"""A client of Tidings, by python3-socketio: prints what it hears, one JSON document a line.

    client.py <url> <token>

It connects, submits an action by an acknowledged command and hears its outcome. Then it leaves,
and waits for a line on standard input. After that it comes back with the cursor that it had
reached, and listens until the input ends.
"""
import json
import sys
import threading

import socketio

URL, TOKEN = sys.argv[1:3]
SECONDS = 20

heard_outcome = threading.Event()
one_at_a_time = threading.Lock()
cursors = {}


def tell(what, data):
    # Handlers run in threads of their own.
    with one_at_a_time:
        print(json.dumps({"what": what, "data": data}), flush=True)


def new_client():
    client = socketio.Client(reconnection=False)

    @client.on("session")
    def session(data):
        tell("session", data)

    @client.on("outcome")
    def outcome(envelope):
        cursors[envelope["channel"]] = envelope["cursor"]
        tell("outcome", envelope)
        heard_outcome.set()

    return client


def connect(client, auth):
    client.connect(URL, auth={"token": TOKEN, **auth}, transports=["websocket"])


first = new_client()
connect(first, {})
command = {"type": "messages.create", "payload": {"text": "from Python: ☃"}}
tell("ack", first.call("submit", command, timeout=SECONDS))
tell("refusal", first.call("nope", {}, timeout=SECONDS))
if not heard_outcome.wait(SECONDS):
    sys.exit("no outcome was heard")
first.disconnect()
tell("away", None)

sys.stdin.readline()
second = new_client()
connect(second, {"cursors": list(cursors.values())})
sys.stdin.read()
second.disconnect()
