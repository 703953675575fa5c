# SPDX-License-Identifier: MIT
"""A UDP relay between one client and a server: it records what passes, and may change it."""
import select
import socket
import threading


class Relay:
    """`up` and `down` say what becomes of a datagram: a function of its bytes and its number in
    that direction, from 0, that returns a list of datagrams to pass on instead."""

    def __init__(self, server_port, up=None, down=None):
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.bind(("127.0.0.1", 0))
        self.back.connect(("127.0.0.1", server_port))
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
