"""Makes a virtual environment from pinned requirements, once: `environment.py FOLDER REQUIREMENTS`.

Several tests may call for it at the same time: the first makes it, the others wait. It is whole when a
copy of the requirements lies in it.
"""

import fcntl
import shutil
import subprocess
import sys
import venv
from pathlib import Path


def main(folder, requirements):
    folder, requirements = Path(folder), Path(requirements)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made_from = folder / "requirements.txt"
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made_from.exists() and made_from.read_bytes() == requirements.read_bytes():
            return
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", requirements], check=True, stdout=sys.stderr)
        shutil.copy(requirements, made_from)


if __name__ == "__main__":
    main(*sys.argv[1:])
