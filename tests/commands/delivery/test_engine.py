"""The engine runs in bounded time, is told to stop once and in order, and what it says is not lost."""

from __future__ import annotations

import pytest

from commands.delivery.engine import Engine
from commands.delivery.errors import DeliveryError
from tests.commands.delivery.world import World


def test_each_line_is_told_and_the_status_returned(world: World) -> None:
    world.pulumi.answers("up", "one", "two", status=3)
    ran = world.engine().run("up", seconds=20)
    assert (ran.status, ran.lines, world.told) == (3, ("one", "two"), ["one", "two"])


def test_one_that_does_not_end_is_told_to_stop_in_order(world: World) -> None:
    body = (
        "import signal, time\n"
        "def stop(number, frame):\n    print('wrote the state', flush=True)\n    sys.exit(1)\n"
        "signal.signal(signal.SIGINT, stop)\nprint('begun', flush=True)\ntime.sleep(60)"
    )
    world.pulumi.does("up", body)
    with pytest.raises(DeliveryError, match=r"did not end .*pulumi cancel --stack prod"):
        world.engine().run("up", seconds=1.5)
    assert world.told == ["begun", "wrote the state"]


def test_one_that_does_not_stop_is_killed(world: World) -> None:
    ignores = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('begun', flush=True)\n"
    world.pulumi.does("up", f"{ignores}time.sleep(60)")
    with pytest.raises(DeliveryError, match="did not end"):
        world.engine(cancel_seconds=0.2).run("up", seconds=1.5)


def test_one_that_is_not_installed_is_told(world: World) -> None:
    with pytest.raises(DeliveryError, match="cannot be run"):
        Engine("prod", world.root, program=str(world.root / "nothing")).output("version")


def test_a_short_command_that_fails_says_why(world: World) -> None:
    world.pulumi.answers("stack export", "error: no stack named 'prod'", status=255)
    with pytest.raises(DeliveryError, match="error: no stack named 'prod'"):
        world.engine().output("stack", "export")
