# SPDX-License-Identifier: Apache-2.0
"""Archives that somebody made in order to harm, or that got damaged: one file for each, and what is said of it.

    hostile_archives.py DIRECTORY

Prints "NAME<tab>WORDS" for each that must be refused with WORDS, and "NAME<tab>ok" for each that a documented rule makes safe.
"""

import bz2
import gzip
import io
import os
import sys
import tarfile

DIRECTORY = sys.argv[1]


class Archive:
    """Entries as they are asked for, whatever they are."""

    def __init__(self, form=tarfile.PAX_FORMAT):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w", format=form)

    def add(self, name, kind=tarfile.REGTYPE, data=b"", **fields):
        info = tarfile.TarInfo(name)
        info.type, info.size, info.mode, info.mtime = kind, len(data), 0o644, 1000000000
        for key, value in fields.items():
            setattr(info, key, value)
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def whole(self):
        self.tar.close()
        return self.bytes.getvalue()


def write(name, data, words):
    with open(os.path.join(DIRECTORY, name), "wb") as stream:
        stream.write(data)
    print(f"{name}\t{words}")


def names():
    d, s, h = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    yield "absolute", Archive().add("/tmp/heddle-escaped"), "absolute"
    yield "dot-dot", Archive().add("a/../../heddle-escaped"), "'..'"
    yield "dot-dot-end", Archive().add("a/..", d), "'..'"
    yield "empty-name", Archive().add(""), "empty"
    yield "long-name", Archive().add("n" * 256), "too long"
    yield "through-link", Archive().add("a", s, linkname="/tmp").add("a/heddle-escaped"), "below 'a'"
    yield "through-file", Archive().add("a", data=b"x").add("a/b"), "below 'a'"
    yield "through-fifo", Archive().add("a", tarfile.FIFOTYPE).add("a/b/c"), "below 'a'"
    yield "hard-link-absolute", Archive().add("a", h, linkname="/etc/passwd"), "absolute"
    yield "hard-link-dot-dot", Archive().add("a", h, linkname="../../etc/passwd"), "'..'"
    yield "hard-link-missing", Archive().add("a", h, linkname="b"), "did not come before"
    yield "hard-link-later", Archive().add("a", h, linkname="b").add("b"), "did not come before"
    yield "hard-link-itself", Archive().add("a", h, linkname="a"), "did not come before"
    yield "hard-link-directory", Archive().add("d", d).add("a", h, linkname="d"), "to the directory"
    yield "hard-link-through", Archive().add("l", s, linkname="/etc").add("a", h, linkname="l/passwd"), "did not come"
    yield "file-for-directory", Archive().add("a/b").add("a", data=b"x"), "directory with entries"
    yield "link-for-directory", Archive().add("a/b").add("a", s, linkname="/tmp"), "directory with entries"
    yield "file-for-root", Archive().add("./", data=b"x"), ""
    yield "empty-link", Archive().add("a", s, linkname=""), "symbolic link of 0 bytes"
    yield "long-link", Archive().add("a", s, linkname="l" * 4096), "symbolic link of 4096 bytes"
    yield "owner", Archive(tarfile.GNU_FORMAT).add("a", uid=2**40), "belongs to"


def attributes():
    def one(key, value):
        return Archive().add("a", data=b"x", pax_headers={key: value})

    yield "bad-list", one("SCHILY.xattr.system.posix_acl_access", "nonsense"), "no access list"
    yield "unknown-user", one("SCHILY.acl.access", "user::rw-,user:nobody-knows-me:rwx,group::r--,mask::rwx,other::---"), "nobody-knows-me"
    yield "many-attributes", Archive().add("a", pax_headers={f"SCHILY.xattr.user.{n}": "v" * 60000 for n in range(3)}), "more extended attributes"
    yield "sparse-backwards", one("GNU.sparse.major", "1"), ""


def safe():
    d, s, h = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    yield "twice", Archive().add("a", data=b"first").add("a", data=b"second")
    yield "back-and-forth", Archive().add("a").add("a", d).add("a", s, linkname="x").add("a", d).add("a/b")
    yield "link-replaced", Archive().add("a", s, linkname="/tmp").add("a", d).add("a/b", data=b"in the tree")
    yield "dots-and-slashes", Archive().add("./a//./b/.//c")
    yield "nul", Archive().add("a", pax_headers={"path": "visible\0hidden"})
    yield "not-utf8", Archive().add("a\udcff")
    yield "hard-link-to-link", Archive().add("l", s, linkname="/etc/passwd").add("a", h, linkname="l")
    yield "cut-name", Archive().add("a" * 255)
    yield "skipped-attribute", Archive().add("a", pax_headers={"SCHILY.xattr.system.nfs4_acl": "x"})
    yield "odd-device", Archive().add("a", tarfile.CHRTYPE, devmajor=255, devminor=255)


def damaged():
    whole = Archive().add("a", data=b"x" * 2000).add("b", data=b"y" * 2000).whole()
    end = 2 * (512 + 2048)
    yield "no-end", whole[:end], "end is not marked"
    yield "cut-between", whole[:end // 2], "end is not marked"
    yield "cut-in-data", whole[:1000], "runcated"
    yield "cut-in-header", whole[:end // 2 + 100], "runcated"
    yield "empty", b"", "empty"
    yield "nonsense", b"This is no archive at all, whatever its name says.\n" * 40, ""
    yield "flipped", whole[:100] + b"9" + whole[101:], ""
    packed = gzip.compress(whole)
    yield "cut-gzip", packed[:-20], ""
    yield "cut-bzip2", bz2.compress(whole)[:-10], ""
    yield "packed-twice", gzip.compress(packed), "more than once"
    # The size says 8 GiB, the bytes are 2000.
    lying = bytearray(whole)
    lying[124:136] = b"77777777777\0"
    lying[148:156] = b"        "
    lying[148:156] = b"%06o\0 " % sum(lying[:512])
    yield "lying-size", bytes(lying), "runcated"


def main():
    for name, archive, words in [*names(), *attributes()]:
        write(name, archive.whole(), words)
    for name, archive in safe():
        write(name, archive.whole(), "ok")
    for name, data, words in damaged():
        write(name, data, words)


if __name__ == "__main__":
    main()
