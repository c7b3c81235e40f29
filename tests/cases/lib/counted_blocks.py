# SPDX-License-Identifier: Apache-2.0
"""Blocks that say of which file and place they are, and which write they come from, so that a torn, lost or old one shows."""

import zlib

BLOCK, BLOCKS = 512, 40


def block(name, number, count):
    text = f"{name} {number} {count} ".encode()
    text += b"." * (BLOCK - 9 - len(text))
    return text + b"%08x\n" % zlib.crc32(text)


def parse(data, name, number):
    """The count of a block; fails if it is torn or another's."""
    body, check = data[:BLOCK - 9], data[BLOCK - 9:]
    assert len(data) == BLOCK and check == b"%08x\n" % zlib.crc32(body), (name, number, data[:80], data[-20:])
    words = body.split()
    assert words[0].decode() == name and int(words[1]) == number, (name, number, words[:3])
    return int(words[2])
