"""Packages of npm for tests, in build/npm. Standard library only."""
import fcntl
import shutil
import subprocess

from cluster import ROOT

MODULES = ROOT / "build/npm"


def install(package, version):
    """False without node, or without the npm registry (or $NPM_CONFIG_REGISTRY) in reach."""
    if not shutil.which("npm"):
        return False
    MODULES.mkdir(parents=True, exist_ok=True)
    with open(MODULES / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (MODULES / "node_modules" / package).is_dir():
            return True
        return subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", f"{package}@{version}"],
                              cwd=MODULES, timeout=300).returncode == 0
