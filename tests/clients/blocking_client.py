"""The oldest way to talk to a node: a blocking socket, connect, then heartbeats, and calls between."""

import json
import socket
import struct
import sys


def send(sock, message):
    payload = json.dumps(message).encode()
    sock.sendall(struct.pack(">i", len(payload)) + payload)


def read_exactly(sock, size):
    data = b""
    while len(data) < size:
        chunk = sock.recv(size - len(data))
        assert chunk, f"the node closed the connection, {size - len(data)} bytes of a frame are missing"
        data += chunk
    return data


def receive(sock):
    (length,) = struct.unpack(">i", read_exactly(sock, 4))
    assert length > 0, f"the node sent a frame of length {length}"
    return json.loads(read_exactly(sock, length))


def call(sock, id, method, **params):
    """One call; answers the node's heartbeats while it waits."""
    send(sock, {"jsonrpc": "2.0", "id": id, "method": method, **({"params": params} if params else {})})
    while True:
        message = receive(sock)
        if message.get("method") == "heartbeat":
            send(sock, {"jsonrpc": "2.0", "id": message["id"], "result": "ok"})
            continue
        assert message.get("jsonrpc") == "2.0" and message.get("id") == id, f"no answer to {id}: {message}"
        return message


def await_heartbeat(sock):
    """Waits for the node's next heartbeat and answers it."""
    message = receive(sock)
    assert message.get("method") == "heartbeat" and "id" in message, f"expected a heartbeat, got {message}"
    send(sock, {"jsonrpc": "2.0", "id": message["id"], "result": "ok"})


def main(host, port):
    with socket.create_connection((host, int(port)), timeout=30) as sock:
        connected = call(sock, 0, "connect", name="blocking", heartbeat_ms=500)["result"]
        assert connected["node"] and connected["heartbeat_ms"] > 0, connected
        # Longer than the three silent intervals after which the node would have cut us.
        for turn in range(1, 6):
            assert call(sock, turn, "heartbeat") == {"jsonrpc": "2.0", "id": turn, "result": "ok"}
            await_heartbeat(sock)
            assert call(sock, f"foo {turn}", "foo")["result"] == "ok"
        error = call(sock, -1, "no.such.method")["error"]
        assert error["code"] == -32601 and error["message"], error


if __name__ == "__main__":
    main(*sys.argv[1].split(":"))
    print("passed")
