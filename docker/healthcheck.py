"""Ask /healthz whether the bot can serve; exit with 0 if so. Started every half minute: it imports next to nothing."""

import os
import socket
import sys

PORT = int(os.environ.get("DESKHAND_WEB__PORT", "8080"))
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

try:
    with socket.create_connection(("127.0.0.1", PORT), timeout=8) as connection:
        connection.sendall(REQUEST)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
except OSError as error:
    sys.exit(f"no answer at port {PORT}: {error}")
head, _, body = answer.partition(b"\r\n\r\n")
print(body.decode(errors="replace"))
sys.exit(0 if head.split()[1:2] == [b"200"] else 1)
