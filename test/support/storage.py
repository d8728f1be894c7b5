"""The storage driver test.csi (csi_driver.py) beside a cluster, and the objects that an administrator or a provisioner makes of
it. Standard library only."""
import json
import pathlib
import subprocess
import sys

from cluster import eventually

PROGRAM = str(pathlib.Path(__file__).resolve().parent / "csi_driver.py")
STATE = "/var/lib/wherry/driver"


def csi_driver(spec):
    return f"apiVersion: storage.k8s.io/v1\nkind: CSIDriver\nmetadata: {{name: test.csi}}\nspec: {spec}\n"


def claim(name="data", more="", mode="ReadWriteOnce", volume_mode="Filesystem"):
    """A volume as an external provisioner makes it, and its claim."""
    return f"""
apiVersion: v1
kind: PersistentVolume
metadata: {{name: pv-{name}, annotations: {{pv.kubernetes.io/provisioned-by: test.csi}}}}
spec:
  accessModes: [{mode}]
  volumeMode: {volume_mode}
  capacity: {{storage: 1Gi}}
  storageClassName: test
  persistentVolumeReclaimPolicy: Retain
  claimRef: {{namespace: default, name: {name}}}
  csi:
    driver: test.csi
    volumeHandle: handle-{name}
    {"fsType: ext4" if volume_mode == "Filesystem" else ""}
    volumeAttributes: {{colour: red}}
    {more}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec: {{accessModes: [{mode}], volumeMode: {volume_mode}, storageClassName: test, volumeName: pv-{name}, resources: {{requests: {{storage: 1Gi}}}}}}
"""


class StorageDriver:
    def __init__(self, cluster):
        self.cluster, self.process = cluster, None

    def start(self, *flags):
        self.process = subprocess.Popen(self.cluster.inside(sys.executable, PROGRAM, "--name", "test.csi", "--state", STATE, *flags))
        eventually(lambda: self.cluster.run("cat", f"{STATE}/registered", check=False) == "yes")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process = None
        self.cluster.run("sh", "-c", f"rm -f {STATE}/registered /var/lib/kubelet/plugins_registry/test.csi-reg.sock")

    def calls(self, *names):
        """What it was asked, oldest first."""
        lines = self.cluster.run("cat", f"{STATE}/calls").splitlines()
        return [call for call in map(json.loads, lines) if not names or call["call"] in names]

    def forget_calls(self):
        self.cluster.run("sh", "-c", f": > {STATE}/calls")

    def tell(self, file, text):
        """fail, hang or sick, as csi_driver.py has them; no text: not any more."""
        self.cluster.run("sh", "-c", f"printf %s '{text}' > {STATE}/{file}" if text else f"rm -f {STATE}/{file}")
