"""Compiles extension modules for the Python that runs this, with the system's compiler alone."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path


class CannotBuild(Exception):
    """Why this machine has no extension module for us."""


def built(folder: Path, source: Path, name: str, *flags: str) -> Path:
    """Builds `source` (C or C++) as the module `name` in `folder`, and gives its path.

    Raises CannotBuild if there is no compiler or no headers, CalledProcessError if the source does not compile.
    """
    language = "c++" if source.suffix == ".cpp" else "cc"
    compiler = shutil.which(language)
    if compiler is None:
        raise CannotBuild(f"there is no {language}\nhint: install a compiler, such as gcc")
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").exists():
        raise CannotBuild(f"{include / 'Python.h'} is missing\nhint: install the headers of this Python")
    module = folder / (name + (sysconfig.get_config_var("EXT_SUFFIX") or ".so"))
    # Debian's headers include one from a folder for the platform, beside theirs.
    folders = [f"-I{include}", f"-I{sysconfig.get_path('platinclude')}", f"-I{include.parent}"]
    command = [compiler, "-shared", "-fPIC", "-O1", "-g", "-w", *folders, *flags, str(source), "-o", str(module)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotBuild(f"`{shlex.join(command)}` failed:\n{done.stderr[-3000:]}")
    return module
