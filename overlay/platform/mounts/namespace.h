/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_MOUNTS_NAMESPACE_H
#define HEDDLE_PLATFORM_MOUNTS_NAMESPACE_H

/*
 * Namespaces: a place where a process can mount what nobody else sees, and which is gone with the last process in it.
 *
 * Threads     The caller is the only thread of its process (unshare(2)).
 * Errors      -errno with a detail that says which step the system refused.
 */

#include <stdbool.h>

/*
 * Takes the calling process to a mount namespace of its own; mounts outside still appear in it, its own do not appear
 * outside. Who may not do that gets it by a user namespace, in which it keeps its user and group and no others exist, and
 * has the right to mount until it executes a program. WITHOUT_NETWORK: also to a network that has a loopback interface
 * and nothing else.
 */
int hd_namespace_enter(bool without_network);

#endif
