"""``python -m libcni``. What it does is cnitool's and tested by cli/tests, against this package, too; see run.sh."""

import re
import signal
import subprocess
import sys

from conftest import ROOT
from libcni import errors


def run(*arguments, program=("-m", "libcni"), **options):
    command = [sys.executable, "-W", "error", *program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_it_is_cnitool_under_a_name_of_its_own():
    done = run("add", "absent", "/run/netns/c1", "--conf-dir", "/nowhere")
    assert done.returncode == errors.NetworkNotFoundError.status_number * -1
    assert done.stderr.startswith("libcni: no net configurations found in /nowhere\n")
    assert "Usage: python -m libcni " in run("--help").stdout


def test_main_takes_arguments_and_returns_the_exit_code():
    program = "import libcni.cli; print(libcni.cli.main(['networks', '--conf-dir', '/nowhere', '--json']))"
    done = run(program=("-c", program))
    assert (done.stdout, done.stderr) == ('{\n    "networks": [],\n    "errors": []\n}\n0\n', "")


def test_what_was_printed_before_stays_before(tmp_path):
    program = "import libcni.cli; print('before'); libcni.cli.main(['--version'])"
    assert run(program=("-c", program)).stdout.startswith("before\ncnitool ")


def test_an_ignored_interrupt_stays_ignored():
    program = (
        "import signal, libcni.cli; signal.signal(signal.SIGINT, signal.SIG_IGN); libcni.cli.main(['version']);"
        "signal.raise_signal(signal.SIGINT); print('alive')"
    )
    done = run(program=("-c", program))
    assert done.stdout.endswith("alive\n")
    assert done.returncode == 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_exit_codes_are_those_of_the_c_header():
    header = (ROOT / "include/libcni.h").read_text()
    numbers = dict(re.findall(r"LIBCNI_ERR_(\w+) (-\d+)", header))
    assert {each.status: str(each.status_number) for each in errors.ALL} == numbers
    help = run("--help").stdout
    for status, number in numbers.items():
        assert re.search(rf"^  {-int(number)} +{status} ", help, re.MULTILINE), status
