# SPDX-License-Identifier: MIT
"""Relays between one client and a server: a UDP one that records what passes and may change it, and a
TCP one that passes bytes on or does not."""
import select
import socket
import threading


class Relay:
    """`up` and `down` say what becomes of a datagram: a function of its bytes and its number in
    that direction, from 0, that returns a list of datagrams to pass on instead."""

    def __init__(self, server_port, up=None, down=None, server_host="127.0.0.1", port=0):
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", port))
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.bind((server_host, 0))
        self.back.connect((server_host, server_port))
        for end in (self.front, self.back):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.port = self.front.getsockname()[1]
        self.change = {"up": up or self.unchanged, "down": down or self.unchanged}
        self.passed = {"up": [], "down": []}  # as they came in
        self.client = None
        self.wake, self.stop = socket.socketpair()
        self.thread = threading.Thread(target=self.work, daemon=True)

    @staticmethod
    def unchanged(datagram, _number):
        return [datagram]

    def changed(self, direction, datagram):
        number = len(self.passed[direction])
        self.passed[direction].append(datagram)
        return self.change[direction](datagram, number)

    def work(self):
        while True:
            ready, _, _ = select.select([self.front, self.back, self.wake], [], [])
            if self.wake in ready:
                return
            try:
                if self.front in ready:
                    datagram, self.client = self.front.recvfrom(65535)
                    for part in self.changed("up", datagram):
                        self.back.send(part)
                if self.back in ready:
                    for part in self.changed("down", self.back.recv(65535)):
                        self.front.sendto(part, self.client)
            except ConnectionRefusedError:  # one end has gone: its datagrams are lost
                pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.close()
        self.thread.join()
        for end in (self.front, self.back, self.wake):
            end.close()


class TcpListener:
    """Hands each connection to its port of 127.0.0.1 to `serve`, in a thread of its own; connections
    are closed at the end."""

    def __init__(self, port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]
        self.open = []
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def serve(self, connection):
        raise NotImplementedError

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.guarded, args=(connection,), daemon=True).start()

    def guarded(self, connection):
        try:
            self.serve(connection)
        except OSError:  # one end has gone
            pass
        finally:
            connection.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.open:
            connection.close()
        self.thread.join()


class TcpRelay(TcpListener):
    """Passes bytes on to a server, unharmed."""

    def __init__(self, server_port, server_host="127.0.0.1", port=0):
        super().__init__(port)
        self.server = (server_host, server_port)

    def serve(self, connection):
        with socket.create_connection(self.server) as onward:
            ends = {connection: onward, onward: connection}
            while True:
                ready, _, _ = select.select(list(ends), [], [])
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)
