"""Ports that are given out stay free until they are used."""

import socket
import subprocess
import sys

import pytest

from deploy.local import processes
from deploy.local.nursery import ROOT
from deploy.local.processes import DidNotStart, free_port

GIVES = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from deploy.local.processes import free_port"


def test_processes_that_live_at_the_same_time_are_given_different_ones() -> None:
    command = [sys.executable, "-c", f"{GIVES}; print(*[free_port() for _ in range(100)]); sys.stdout.flush(); input()"]
    living = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(8)
    ]
    try:
        given = [int(port) for process in living if process.stdout for port in process.stdout.readline().split()]
    finally:
        for process in living:
            process.communicate("\n")
    assert len(set(given)) == len(given) == 800


def test_the_system_names_none_of_them_for_a_connection() -> None:
    assert {10_240 < free_port() < 32_768 for _ in range(200)} == {True}


def test_where_none_is_left_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = free_port()
    monkeypatch.setattr(processes, "_left", [])
    monkeypatch.setattr(processes, "BLOCKS", range(taken, taken + 64, 64))
    with socket.create_server(("127.0.0.1", taken)), pytest.raises(DidNotStart, match="no port is free"):
        free_port()
