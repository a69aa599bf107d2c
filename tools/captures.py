"""Runs what the pages show and puts the real output in its place: ``make captures``.

Text stands between ``<!-- capture: name -->`` and ``<!-- end -->``, in README.md or below docs/; pictures are
``docs/captures/<name>.svg``, and the report that reviewers see is ``report.png``, drawn by Chromium.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine import find_engine
from picture import draw_markdown
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

ROOT: Final = Path(__file__).parent.parent
PICTURES: Final = ("progress", "diff", "diagnostic")
WIDTH: Final = 132
ORDERS: Final = "11111111-1111-4111-8111-000000000002"
SESSIONS: Final = "11111111-1111-4111-8111-000000000001"
CARTS: Final = "11111111-1111-4111-8111-000000000003"
REPORTED: Final = """\
import pulumi
from pulumi_dcs import InstanceBackup

InstanceBackup("orders-before-release", instance_id="{orders}", remark="before 2026.{month}")
{more}
"""
"""The program of the report: it replaces a backup, takes another one out, and adds one that is retained."""
PROGRAM: Final = """\
import pulumi
from pulumi_dcs import InstanceBackup

config = pulumi.Config()
InstanceBackup("orders-before-release", instance_id=config.require("instance"), remark=config.require("remark"))
"""


def main() -> None:
    """Make all captures and write them into the pages."""
    with tempfile.TemporaryDirectory() as folder, local_endpoint() as url:
        environment = prepare(Path(folder), url)

        def pulumi(*arguments: str) -> str:
            done = subprocess.run(
                ["pulumi", *arguments, "--non-interactive", "--color", "always"],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stdout + done.stderr

        for name, command, shown in captures(pulumi):
            if name in PICTURES:
                draw(ROOT / "docs" / "captures" / f"{name}.svg", command, shown)
            else:
                fill(name, f"```console\n$ {command}\n{Text.from_ansi(shown).plain.strip()}\n```\n")
            print(f"{name}: written")
        draw_report(Path(folder), environment)


def draw_report(folder: Path, environment: dict[str, str]) -> None:
    """Preview a change of three backups, and draw the report as a forge shows it."""
    review = [sys.executable, "-m", "pulumi_dcs.review"]
    environment = {**environment, "STACK": "prod", "POLICY_PACK": "", "GITHUB_SHA": "abc1234", "PULUMI_COLOR": "never"}
    before = f'InstanceBackup("carts-before-scaling", instance_id="{CARTS}", remark="before scaling")'
    after = (
        f'InstanceBackup("orders-quarter", instance_id="{ORDERS}", remark="2026 Q4", '
        "opts=pulumi.ResourceOptions(retain_on_delete=True))"
    )
    (folder / "__main__.py").write_text(REPORTED.format(orders=ORDERS, month=11, more=before))
    up = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    subprocess.run(up, cwd=folder, env=environment, check=True, capture_output=True)
    (folder / "__main__.py").write_text(REPORTED.format(orders=ORDERS, month=12, more=after))
    subprocess.run([*review, "preview"], cwd=folder, env=environment, check=True, capture_output=True)
    draw_markdown((folder / "report.md").read_text(), ROOT / "docs" / "captures" / "report.png")
    print("report: written")


def fill(name: str, block: str) -> None:
    """Put the block where a page has a place for it."""
    begin, end = f"<!-- capture: {name} -->\n", "<!-- end -->"
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        before, _, rest = page.read_text().partition(begin)
        if rest:
            page.write_text(f"{before}{begin}{block}{end}{rest.partition(end)[2]}")
            return
    sys.exit(f"no page has a place for the capture {name!r}")


def draw(path: Path, command: str, shown: str) -> None:
    """Draw a terminal with this command and its output, in its colours."""
    path.parent.mkdir(exist_ok=True)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi(shown.strip("\n")))
    path.write_text(console.export_svg(title="pulumi-dcs", theme=SVG_EXPORT_THEME, unique_id=path.stem))


def captures(pulumi: Callable[..., str]) -> Iterator[tuple[str, str, str]]:
    """Run each capture; its name, command and output."""
    preview, up = "pulumi preview --diff", "pulumi up --yes --skip-preview"
    pulumi("config", "set", "instance", ORDERS)
    pulumi("config", "set", "remark", "before 2026.11")
    yield "create", preview, tidy(pulumi("preview", "--diff"))
    yield "progress", up, tidy(pulumi("up", "--yes", "--skip-preview"))
    pulumi("config", "set", "remark", "before 2026.12")
    yield "diff", preview, tidy(pulumi("preview", "--diff"))
    pulumi("config", "set", "instance", SESSIONS)
    output = tidy(pulumi("up", "--yes", "--skip-preview"))
    error = re.search(r"(?s)  \S*pulumi-python:dynamic/dcs:InstanceBackup \(.*?\n(?=\S*\n)", output)
    assert error is not None, output
    yield "diagnostic", up, "…\nDiagnostics:\n" + error[0]


def tidy(text: str) -> str:
    """Leave out the lines that only show that something is under way."""
    lines = [line.rstrip() for line in text.splitlines() if "@ " not in line[:12]]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def prepare(folder: Path, url: str) -> dict[str, str]:
    """Make a project with a stack that uses the endpoint; the environment for its commands."""
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "state").mkdir()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(find_engine("any")), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "DCS_ENDPOINT": url,
        "HUAWEICLOUD_SDK_AK": "local-access-key",
        "HUAWEICLOUD_SDK_SK": "local-secret-key",
        "HUAWEICLOUD_SDK_PROJECT_ID": "0123456789abcdef0123456789abcdef",
        "HW_REGION_NAME": "cn-north-4",
    }
    subprocess.run(["pulumi", "stack", "init", "prod"], cwd=folder, env=environment, check=True, capture_output=True)
    return environment


@contextmanager
def local_endpoint() -> Iterator[str]:
    """Run a local endpoint for as long as the captures take."""
    command = [sys.executable, "-m", "pulumi_dcs.emulator", "--quiet", "--port", "0", "--duration", "4", "--no-data"]
    keys = ["--access-key", "local-access-key", "--secret-key", "local-secret-key"]
    with subprocess.Popen([*command, *keys], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


if __name__ == "__main__":
    main()
