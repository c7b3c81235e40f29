# SPDX-License-Identifier: Apache-2.0
"""Applies a layer of a container image to a directory, by the rules of OCI's image specification (layer.md).

    apply_layer.py LAYER DIRECTORY

Whiteouts first, of what was there before; then GNU tar puts the entries in their places.
"""

import os
import shutil
import stat
import subprocess
import sys
import tarfile

layer, root = sys.argv[1:]


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


marks, names = [], []
with tarfile.open(layer) as archive:
    for member in archive:
        folder, name = os.path.split(member.name)
        if name.startswith(".wh."):
            assert member.isreg() and member.size == 0, member.name
            assert name != ".wh..wh..opq", "writers should use explicit whiteouts"
            marks.append(member.name)
            gone = os.path.join(root, folder, name[4:])
            assert os.path.lexists(gone), f"{gone} is not there"
            remove(gone)
        else:
            names.append(member.name)
            path = os.path.join(root, member.name)
            if os.path.lexists(path) and not (member.isdir() and stat.S_ISDIR(os.lstat(path).st_mode)):
                remove(path)
command = ["tar", "--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "--warning=no-unknown-keyword",
           "--overwrite", "--exclude=.wh.*", "-xpf", layer, "-C", root]
subprocess.run(command, check=True)
print("\n".join(sorted(names) + sorted(marks)))
