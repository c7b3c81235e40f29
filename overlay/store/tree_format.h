/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_TREE_FORMAT_H
#define HEDDLE_STORE_TREE_FORMAT_H

/*
 * The bytes of tree objects and of attribute objects. All integers are little-endian and unaligned.
 *
 * Tree object                                    Attribute object
 *     0   4  magic "HDTR"                            0   4  magic "HDAT"
 *     4   2  version, 1                              4   2  version, 3
 *     6   2  zero                                    6   2  zero
 *     8   4  number of entries                       8   4  number of entries
 *     12  .  entries                                 12  .  entries
 *
 * Tree entry                                     Attribute entry
 *     0   4  mode, S_IFMT | 07777                    0   1  which of these fields follow, HD_ATTRIBUTE_*
 *     4   4  device                                  .   8  owner: uid (4), gid (4)
 *     8   8  size                                    .   12 birth time: s (signed, 8), ns (4)
 *     16  .  content (content_format.h)              .   12 access time
 *     .   1  n, length of the name                   .   12 modify time
 *     .   n  name                                    .   12 change time
 *                                                    .   12 links: group (8), names of it (4)
 *                                                    .   .  attribute object of the children (content_format.h)
 *                                                    .   .  x, length of the extended attributes (4), and these:
 *                                                           {1 name length, 4 value length, name, value} ...
 *                                                    .   1  n, length of the name
 *                                                    .   n  name
 *
 * Owner and times that do not follow are those of the entry before, zeros for the first; but the access time is the birth
 * time, and the change time the modify time, if that follows. Of the others there are none then. A field that would say
 * what is so without it is refused.
 *
 * Entries follow each other without gaps and nothing follows the last. There is exactly one encoding of a
 * list of entries: equal directories have equal bytes.
 */

#include <stddef.h>

#define HD_TREE_MAGIC "HDTR"
#define HD_ATTRIBUTES_MAGIC "HDAT"
#define HD_TREE_MAGIC_SIZE 4
#define HD_TREE_VERSION 1
#define HD_ATTRIBUTES_VERSION 3

#define HD_TREE_HEADER_SIZE 12
#define HD_TREE_NAME_LIMIT 255

/* The shortest entries: content NONE, a name of one byte (of none for attributes). */
#define HD_TREE_ENTRY_MINIMUM (16 + 4 + 1 + 1)
#define HD_ATTRIBUTE_ENTRY_MINIMUM (1 + 1)

/* Which fields an attribute entry has. */
#define HD_ATTRIBUTE_OWNER 0x01u
#define HD_ATTRIBUTE_BIRTH 0x02u
#define HD_ATTRIBUTE_ACCESS 0x04u
#define HD_ATTRIBUTE_MODIFY 0x08u
#define HD_ATTRIBUTE_CHANGE 0x10u
#define HD_ATTRIBUTE_LINKS 0x20u
#define HD_ATTRIBUTE_CHILDREN 0x40u
#define HD_ATTRIBUTE_XATTRS 0x80u

#define HD_XATTR_HEADER_SIZE 5
/* XATTR_SIZE_MAX of the kernel, linux/limits.h. */
#define HD_XATTR_VALUE_LIMIT 65536

/* What is wrong with a name as a directory entry, or NULL. Both codecs ask this. */
const char *hd_tree_name_problem(const char *name, size_t length);

#endif
