"""Runs a program on a terminal of its own: what it prints goes to stdout, what comes in is typed.

The last line is EXIT and the exit code.
"""
import os
import pty
import select
import sys

pid, master = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])

typed = [0]
while True:
    ready, _, _ = select.select([master, *typed], [], [])
    if 0 in ready:
        text = os.read(0, 4096)
        if text:
            os.write(master, text)
        else:
            typed = []
    if master in ready:
        try:
            text = os.read(master, 4096)
        except OSError:
            # EIO: the program has ended and nobody has the other end.
            break
        if not text:
            break
        os.write(1, text)
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
os.write(1, f"\nEXIT {code}\n".encode())
