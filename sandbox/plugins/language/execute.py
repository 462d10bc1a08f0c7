"""Run one Pulumi program: the engine's addresses come as options, the program as the last argument.

It runs under the program's own Python, which may know nothing of this project: it may import only `pulumi`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
import pulumi.runtime

# The host reports nothing more after this status: the error has been shown already.
ERROR_SHOWN = 32
PARENT_CHECK_SECONDS = 0.5
THREADS_PER_OPERATION = 4


def main() -> int:
    """Run the program of the command line; return the status to exit with."""
    options = _parser().parse_args()
    # Python puts this file's directory first; a program's own module must not be shadowed by a neighbour of this one.
    sys.path[:] = [entry for entry in sys.path if Path(entry) != Path(__file__).parent]
    _end_with_parent()
    # A shell's background job ignores interrupts, and so would this process: the engine's word to stop is one.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    pulumi.runtime.set_all_config(pulumi.runtime.get_config_env(), pulumi.runtime.config.get_config_secret_keys_env())
    settings = pulumi.runtime.Settings(
        project=options.project,
        stack=options.stack,
        parallel=options.parallel,
        dry_run=options.dry_run == "true",
        monitor=options.monitor,
        engine=options.engine,
        organization=options.organization,
        root_directory=options.root_directory,
    )
    pulumi.runtime.configure(settings)
    os.chdir(options.pwd)
    program = Path(options.program)
    if program.is_dir() and not (program / "__main__.py").exists():
        pulumi.log.error(f"unable to find main python program `__main__.py` in `{program.resolve()}`")
        return ERROR_SHOWN
    sys.argv = [options.program, *options.arguments]
    return _run(options.program, max(options.parallel, 1) * THREADS_PER_OPERATION)


def _run(program: str, threads: int) -> int:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=threads)
    loop.set_default_executor(executor)
    # After a failure futures are left unread on purpose; asyncio's warnings about them would bury the error.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _start(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - whatever the program raises is shown to its author
        pulumi.log.error("Program failed with an unhandled exception:\n" + own_traceback(error, program))
        return ERROR_SHOWN
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _start(program: str) -> None:
    runpy.run_path(program, run_name="__main__")


def own_traceback(error: Exception, program: str) -> str:
    """Return the traceback from the program's first frame on, without the frames that led to it."""
    root = str(Path(program).resolve())
    frames = traceback.extract_tb(error.__traceback__)
    for index, frame in enumerate(frames):
        if frame.filename[0] != "<" and str(Path(frame.filename).resolve()).startswith(root):
            return "".join(traceback.format_exception(error, limit=-(len(frames) - index)))
    return "".join(traceback.format_exception(error))


def _end_with_parent() -> None:
    """End the process when the host is gone: hooks of an orphan could still change a cluster."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run a Pulumi Python program")
    for name in ("project", "stack", "organization", "monitor", "engine", "dry_run", "root_directory", "pwd"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--parallel", type=int, required=True)
    parser.add_argument("program")
    parser.add_argument("arguments", nargs="*")
    return parser


if __name__ == "__main__":
    sys.exit(main())
