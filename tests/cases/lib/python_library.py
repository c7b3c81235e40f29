# SPDX-License-Identifier: Apache-2.0
"""What programs/python.sh runs: each function changes the working directory's tree and prints what it found."""

import filecmp
import glob
import mmap
import multiprocessing
import os
import pathlib
import shutil
import struct
import tempfile
import zipfile


def copy_and_move():
    shutil.copytree("source", "copy", symlinks=True)
    compared = filecmp.dircmp("source", "copy")
    print("copied", compared.diff_files, compared.left_only, compared.right_only)
    shutil.move("source/src", "moved")
    shutil.move("moved/deep", "copy/docs")
    shutil.copystat("source/run.sh", "source/README")
    print("moved", sorted(glob.glob("**/leaf.txt", recursive=True)))
    shutil.copyfile("source/docs/big.txt", "copy/README")
    print("space", shutil.disk_usage("copy").free > 0)


def archives():
    shutil.make_archive("archive", "gztar", "source")
    shutil.unpack_archive("archive.tar.gz", "unpacked")
    with zipfile.ZipFile("archive.zip", "w") as archive:
        for path in sorted(pathlib.Path("source").rglob("*.*")):
            archive.write(path)
    with zipfile.ZipFile("archive.zip", "a") as archive:
        archive.writestr("added", "text")
        print("zip", archive.testzip(), len(archive.namelist()))
    os.unlink("archive.tar.gz")
    os.unlink("archive.zip")


def replace_atomically():
    path = pathlib.Path("source/docs/guide.md")
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as stream:
        stream.write("replaced")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(stream.name, path)
    print("replaced", path.read_text(), path.stat().st_nlink)


def nameless():
    with tempfile.TemporaryFile(dir=".") as stream:
        stream.write(b"x" * 100000)
        stream.seek(50000)
        print("nameless", len(stream.read()), sorted(os.listdir("."))[:3])


def add_up(counter, count):
    """One of several processes that count in a shared mapping, under a lock."""
    with open(counter, "r+b") as stream, mmap.mmap(stream.fileno(), 4096) as memory:
        for _ in range(count):
            os.lockf(stream.fileno(), os.F_LOCK, 8)
            memory[:8] = struct.pack("q", struct.unpack("q", memory[:8])[0] + 1)
            os.lockf(stream.fileno(), os.F_ULOCK, 8)


def share_a_mapping():
    pathlib.Path("counter").write_bytes(bytes(4096))
    workers = [multiprocessing.Process(target=add_up, args=("counter", 500)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("counted", struct.unpack("q", pathlib.Path("counter").read_bytes()[:8])[0])


def map_the_base():
    with open("source/docs/big.txt", "r+b") as stream:
        with mmap.mmap(stream.fileno(), 0) as memory:
            memory[1000:1004] = b"mark"
            print("found", memory.find(b"mark"), memory.rfind(b"x"))
            memory.resize(150000)
            memory[-4:] = b"tail"
            memory.flush()
        stream.seek(-6, os.SEEK_END)
        print("read", stream.read())


def remove_everything():
    for path in ("copy", "unpacked"):
        shutil.rmtree(path)
    print("left", sorted(os.listdir(".")))


if __name__ == "__main__":
    copy_and_move()
    archives()
    replace_atomically()
    nameless()
    share_a_mapping()
    map_the_base()
    remove_everything()
