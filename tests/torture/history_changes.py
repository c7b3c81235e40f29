# SPDX-License-Identifier: Apache-2.0
"""Random changes of a mounted tree, made by system calls in the mount and in the model of it alike."""

import ctypes
import mmap
import os
import shutil

from history_tree import Node, is_below

NAMES = ["a", "b", "src", "docs", "c d", "\u00fc", "README", "x.txt"]
SIZES = [0, 1, 20, 20, 500, 4095, 4096, 4097, 20000, 70000]
LARGE = 300000
AT_FDCWD, RENAME_EXCHANGE = -100, 2

libc = ctypes.CDLL(None, use_errno=True)


class Changes:
    """Changes of the directory PLACE and of TREE; LINKS says whether hard links are made."""

    def __init__(self, place, tree, draw, links):
        self.place, self.tree, self.draw, self.links = place, tree, draw, links

    def at(self, path):
        return os.path.join(self.place, path)

    def draw_path(self):
        """One that may be there or not, in a directory that is."""
        directories = [path for path, node in self.tree.nodes.items() if node.kind == "directory" and path.count("/") < 2]
        above = self.draw.choice(directories)
        return f"{above}/{self.draw.choice(NAMES)}" if above else self.draw.choice(NAMES)

    def draw_kind(self, *kinds):
        found = [path for path, node in self.tree.nodes.items() if path and node.kind in kinds]
        return self.draw.choice(found) if found else None

    def bytes(self):
        return self.draw.randbytes(LARGE if self.draw.random() < 0.03 else self.draw.choice(SIZES))

    def set_time(self, path):
        """What a change of the bytes leaves is a time that the model knows, too."""
        node = self.tree.get(path)
        if node.mtime is None:
            return  # somebody may write to it through a mapping at any later time
        node.mtime = 1_000_000_000_000_000_000 + self.draw.getrandbits(50)
        os.utime(self.at(path), ns=(node.mtime, node.mtime))

    def one(self):
        """Makes one change; what it was, or None where it did not apply."""
        kinds = [self.write] * 5 + [self.write_at] * 3 + [self.append, self.truncate, self.map_bytes, self.make_directory,
                 self.make_directory, self.rename, self.rename, self.rename, self.make_symlink, self.unlink, self.remove_tree,
                 self.chmod, self.set_attribute, self.swap]
        if self.links:
            kinds += [self.link] * 3
        return self.draw.choice(kinds)()

    def one_call(self):
        """A change by one system call, of which others see all or nothing."""
        self.draw.choice([self.make_directory, self.make_symlink, self.unlink, self.rename, self.rename, self.swap, self.chmod,
                          self.set_attribute])()

    def write(self):
        path = self.draw_path()
        if self.tree.kind(path) not in (None, "file"):
            return None
        data = self.bytes()
        if self.tree.get(path):
            self.tree.get(path).data = data
        else:
            self.tree.add(path, Node("file", 0o644, data))
        with open(self.at(path), "wb") as file:
            file.write(data)
            if self.draw.random() < 0.1:
                os.fsync(file.fileno())
        self.set_time(path)
        return f"write {path} {len(data)}"

    def write_at(self):
        path = self.draw_kind("file")
        if not path:
            return None
        node, data = self.tree.get(path), self.bytes()
        at = self.draw.randrange(len(node.data) + 5000)
        node.data = node.data[:at].ljust(at, b"\0") + data + node.data[at + len(data):] if data else node.data
        with open(self.at(path), "r+b", buffering=0) as file:
            os.pwrite(file.fileno(), data, at)
        self.set_time(path)
        return f"write {path} {len(data)} at {at}"

    def append(self):
        path = self.draw_kind("file")
        if not path:
            return None
        data = self.bytes()
        self.tree.get(path).data += data
        with open(self.at(path), "ab") as file:
            file.write(data)
        self.set_time(path)
        return f"append {path} {len(data)}"

    def truncate(self):
        path = self.draw_kind("file")
        if not path:
            return None
        node = self.tree.get(path)
        size = self.draw.randrange(len(node.data) * 2 + 2)
        node.data = node.data[:size].ljust(size, b"\0")
        os.truncate(self.at(path), size)
        self.set_time(path)
        return f"truncate {path} {size}"

    def map_bytes(self):
        path = self.draw_kind("file")
        if not path or not self.tree.get(path).data:
            return None
        node = self.tree.get(path)
        at = self.draw.randrange(len(node.data))
        data = self.draw.randbytes(min(100, len(node.data) - at))
        node.data = node.data[:at] + data + node.data[at + len(data):]
        flushed = self.draw.random() < 0.5
        with open(self.at(path), "r+b") as file, mmap.mmap(file.fileno(), 0) as mapping:
            mapping[at:at + len(data)] = data
            if flushed:
                mapping.flush()
        if not flushed:
            node.mtime = None
        self.set_time(path)
        return f"map {path} {len(data)} at {at}{', synced' if flushed else ''}"

    def make_directory(self):
        path = self.draw_path()
        if self.tree.get(path):
            return None
        self.tree.add(path, Node("directory", 0o755))
        os.mkdir(self.at(path))
        return f"mkdir {path}"

    def make_symlink(self):
        path = self.draw_path()
        if self.tree.get(path):
            return None
        target = "t" * self.draw.randint(1, 60)
        self.tree.add(path, Node("symlink", 0o777, target.encode()))
        os.symlink(target, self.at(path))
        return f"symlink {path}"

    def link(self):
        source, target = self.draw_kind("file"), self.draw_path()
        if not source or self.tree.get(target):
            return None
        self.tree.add(target, self.tree.get(source))
        os.link(self.at(source), self.at(target))
        return f"link {source} {target}"

    def unlink(self):
        path = self.draw_kind("file", "symlink")
        if not path:
            return None
        self.tree.remove(path)
        os.unlink(self.at(path))
        return f"unlink {path}"

    def remove_tree(self):
        path = self.draw_kind("directory")
        if not path or self.draw.random() < 0.5:
            return None
        self.tree.remove(path)
        shutil.rmtree(self.at(path))
        return f"rm -r {path}"

    def rename(self):
        source, target = self.draw_kind("file", "directory", "directory", "symlink"), self.draw_path()
        if not source or is_below(target, source) or is_below(source, target):
            return None
        directory = self.tree.kind(source) == "directory"
        if self.tree.get(target) and (directory != (self.tree.kind(target) == "directory") or len(self.tree.below(target)) > 1):
            return None
        self.tree.move(source, target)
        os.rename(self.at(source), self.at(target))
        return f"rename {source} {target}"

    def swap(self):
        one, other = self.draw_kind("file", "directory", "symlink"), self.draw_kind("directory", "file")
        if not one or not other or is_below(one, other) or is_below(other, one):
            return None
        if libc.renameat2(AT_FDCWD, os.fsencode(self.at(one)), AT_FDCWD, os.fsencode(self.at(other)), RENAME_EXCHANGE) != 0:
            raise OSError(ctypes.get_errno(), f"exchange {one} {other}")
        if self.tree.get(one) is not self.tree.get(other):
            self.tree.exchange(one, other)
        return f"exchange {one} {other}"

    def chmod(self):
        path = self.draw_kind("file", "directory") if self.draw.random() < 0.9 else ""
        if path is None:
            return None
        mode = self.draw.choice([0o644, 0o755, 0o700, 0o640])
        if self.tree.kind(path) == "directory":
            mode |= 0o700
        self.tree.get(path).mode = mode
        os.chmod(self.at(path), mode)
        return f"chmod {mode:o} {path}"

    def set_attribute(self):
        path = self.draw_kind("file", "directory")
        if not path:
            return None
        node, name = self.tree.get(path), "user." + self.draw.choice("xyz")
        if name in node.attributes and self.draw.random() < 0.5:
            del node.attributes[name]
            os.removexattr(self.at(path), name)
            return f"remove {name} {path}"
        node.attributes[name] = self.draw.randbytes(self.draw.choice([0, 5, 300]))
        os.setxattr(self.at(path), name, node.attributes[name])
        return f"set {name} {path}"
