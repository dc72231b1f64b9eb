"""The processor that Lambda gives a function: by its memory, a whole one at 1,769 MB (AWS Lambda, "Configure Lambda function memory")."""

import os
import pathlib

WHOLE_MB, PERIOD_US = 1769, 100_000


class Share:
    """A control group whose processes have together what a function of so much memory has. None, with the reason, where this machine does not
    let us make one: it takes the processor's controller, and a group that we may write."""

    def __init__(self, memory_mb):
        self.group, self.why_not = None, None
        quota = PERIOD_US * memory_mb // WHOLE_MB
        mine = pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
        paths = {kind: path for _, kind, path in (line.split(":", 2) for line in mine)}
        first = next((path for kind, path in paths.items() if "cpu" in kind.split(",")), None)
        try:
            if first is not None:
                self._make("/sys/fs/cgroup/cpu" + first, {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": quota})
            else:
                self._make("/sys/fs/cgroup" + paths.get("", "/"), {"cpu.max": f"{quota} {PERIOD_US}"})
        except OSError as error:
            self.why_not = error.strerror or str(error)

    def _make(self, parent, limits):
        group = pathlib.Path(parent) / f"bench-{os.getpid()}"
        group.mkdir()
        try:
            for name, value in limits.items():
                (group / name).write_text(str(value), encoding="utf-8")
        except OSError:
            group.rmdir()
            raise
        self.group = group

    def join(self):
        """Called in a program's process before the program begins."""
        (self.group / "cgroup.procs").write_text(str(os.getpid()), encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.group:
            self.group.rmdir()
