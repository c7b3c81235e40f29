/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_TREE_FORMAT_H
#define HEDDLE_STORE_TREE_FORMAT_H

/*
 * The bytes of tree objects and of attribute objects. All integers are little-endian and unaligned.
 *
 * Tree object                                    Attribute object
 *     0   4  magic "HDTR"                            0   4  magic "HDAT"
 *     4   2  version, 1                              4   2  version, 2
 *     6   2  zero                                    6   2  zero
 *     8   4  number of entries                       8   4  number of entries
 *     12  .  entries                                 12  .  entries
 *
 * Tree entry                                     Attribute entry
 *     0   4  mode, S_IFMT | 07777                    0   4  uid
 *     4   4  device                                  4   4  gid
 *     8   8  size                                    8   12 access time: s (signed, 8), ns (4)
 *     16  .  content (content_format.h)              20  12 modify time
 *     .   1  n, length of the name                   32  12 change time
 *     .   n  name                                    44  12 birth time
 *                                                    56  8  link group
 *                                                    64  4  names of the link group, 0 without one
 *                                                    68  .  attribute object of the children (content_format.h)
 *                                                    .   4  x, length of the extended attributes
 *                                                    .   x  {1 name length, 4 value length, name, value} ...
 *                                                    .   1  n, length of the name
 *                                                    .   n  name
 *
 * Entries follow each other without gaps and nothing follows the last. There is exactly one encoding of a
 * list of entries: equal directories have equal bytes.
 */

#include <stddef.h>

#define HD_TREE_MAGIC "HDTR"
#define HD_ATTRIBUTES_MAGIC "HDAT"
#define HD_TREE_MAGIC_SIZE 4
#define HD_TREE_VERSION 1
#define HD_ATTRIBUTES_VERSION 2

#define HD_TREE_HEADER_SIZE 12
#define HD_TREE_NAME_LIMIT 255

/* The shortest entries: content NONE, a name of one byte (of none for attributes). */
#define HD_TREE_ENTRY_MINIMUM (16 + 4 + 1 + 1)
#define HD_ATTRIBUTE_ENTRY_MINIMUM (68 + 4 + 4 + 1)

#define HD_XATTR_HEADER_SIZE 5
/* XATTR_SIZE_MAX of the kernel, linux/limits.h. */
#define HD_XATTR_VALUE_LIMIT 65536

/* What is wrong with a name as a directory entry, or NULL. Both codecs ask this. */
const char *hd_tree_name_problem(const char *name, size_t length);

#endif
