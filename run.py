#!/usr/bin/env python3
# -*- coding: utf-8 -*-
"""Set up and start, with nothing but Python: `python3 run.py demo`, `run.py test`, `run.py bench`, `run.py --help`.

The first call makes the virtual environment `.venv` beside this file and installs the pinned packages with
pip, under the user's own pip settings. `test` runs the linter, the types and the tests (`test ARGUMENTS`:
only pytest, with these arguments), `bench` the benchmarks; everything else goes to the `forecast` command. This file must parse on
every old Python, so that it can tell its user what is needed: no annotations, no f-strings.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed.txt")  # written last: an interrupted set-up has none
PINS = os.path.join(HERE, "pins.txt")


def tell(english, chinese):
    for line in (english, chinese):
        try:
            sys.stderr.write(line + "\n")
        except UnicodeError:  # a console without Chinese
            pass
    sys.stderr.flush()


def stop(english, chinese):
    tell(english, chinese)
    sys.exit(1)


def fingerprint():
    """Changes when the environment must be made anew: other pins, another Python, the folder moved."""
    import hashlib

    parts = [sys.version.encode("utf-8"), os.fsencode(HERE)]
    for path in (PINS, os.path.join(HERE, "pyproject.toml")):
        with open(path, "rb") as file:
            parts.append(file.read())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def installed():
    """What stands in `.venv`: fingerprint and extras, such as {"5f0c...", "test"}; nothing if unfinished."""
    try:
        with open(STAMP) as file:
            return set(file.read().split()) if os.path.exists(PYTHON) else set()
    except OSError:
        return set()


def set_up(*extras):
    """Makes `.venv`, or adds the extras that it lacks; does nothing when all is there."""
    have, current = installed(), fingerprint()
    if current in have and have.issuperset(extras):
        return
    tell("Setting up .venv; the first time takes a minute or two ...", "正在准备 .venv，首次约需一两分钟……")
    try:
        if current not in have:
            make_venv()
            have = {current}
        install(extras)
        with open(STAMP, "w") as file:
            file.write(" ".join(sorted(have.union(extras))))
    except KeyboardInterrupt:
        tell("Interrupted; the next call sets up again.", "已中断；下次运行会重新准备。")
        sys.exit(130)
    except OSError as error:
        stop("Cannot make .venv: {0}".format(error), "无法建立 .venv：{0}".format(error))


def make_venv():
    try:
        import ensurepip  # noqa: F401  Debian ships Python without it
        import venv
    except ImportError:
        package = "python{0}.{1}-venv".format(*sys.version_info[:2])
        stop(
            "This Python lacks ensurepip, so it cannot make a virtual environment. "
            "On Debian or Ubuntu: sudo apt install {0}; then run this again.".format(package),
            "此 Python 缺少 ensurepip，无法建立虚拟环境。"
            "Debian 或 Ubuntu 请先执行 sudo apt install {0}，再重新运行。".format(package),
        )
    venv.create(VENV, clear=True, with_pip=True)


def install(extras):
    import subprocess

    target = HERE + ("[" + ",".join(extras) + "]" if extras else "")
    options = ["--quiet", "--disable-pip-version-check", "-c", PINS, "-e", target]
    if not sys.dont_write_bytecode:  # compiling only what is used, when it is used, halves the wait
        options = ["--no-compile"] + options
    if subprocess.call([PYTHON, "-m", "pip", "install"] + options) != 0:
        stop(
            "pip could not install the packages; its message stands above. "
            "Check the network and your pip settings (pip config list), then run this again.",
            "pip 未能装好所需的软件包，原因见上。请检查网络和 pip 镜像设置（pip config list），再重新运行。",
        )


def test(arguments):
    """Linter, types, then tests, so that pytest's closing line comes last; stops at the first complaint."""
    import subprocess

    os.chdir(HERE)
    slow_too = ["-m", ""] if os.environ.get("CI", "").lower() in ("1", "true") else []
    checks = [["ruff", "check", "--quiet"], ["ruff", "format", "--check", "--quiet"], ["mypy"]]
    for step in [] if arguments else checks:
        code = subprocess.call([PYTHON, "-m"] + step)
        if code != 0:
            tell("{0} found the above.".format(" ".join(step[:2])), "以上为 {0} 的检查结果。".format(step[0]))
            return code
    return subprocess.call([PYTHON, "-m", "pytest"] + (arguments or ["-n", "auto"] + slow_too))


def main(arguments):
    if sys.version_info < (3, 11):
        found = sys.version.split()[0]
        stop(
            "Python 3.11 or later is needed; this is {0}. Start this file with a newer one.".format(found),
            "需要 Python 3.11 或更高版本，当前为 {0}。请改用新版本运行本文件。".format(found),
        )
    if arguments[:1] == ["test"]:
        set_up("test")
        return test(arguments[1:])
    set_up()
    if arguments[:1] == ["bench"]:
        import subprocess

        os.chdir(HERE)
        return subprocess.call([PYTHON, "-m", "benchmarks.run"] + arguments[1:])
    # -P: a file in the working folder must not stand in for a package of the same name.
    command = [PYTHON, "-P", "-m", "forecast"] + arguments
    if os.name == "posix":
        os.execv(PYTHON, command)  # noqa: S606  so that signals reach the command itself
    import subprocess

    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
