/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_LIBRARY_H
#define HEDDLE_PLATFORM_PROCESSES_LIBRARY_H

/*
 * Libraries that are loaded when they are needed, and not by every process that might need them.
 *
 * Ownership   A library stays for as long as the process: nobody knows who is still in it.
 * Threads     Any. Errors: -ELIBACC with the dynamic linker's reason.
 */

#include <stddef.h>

/* The library named NAME, as a program that is linked with it would find it. */
int hd_library_open(const char *name, void **ret_library);

/* The addresses of N functions of LIBRARY, in the order of their NAMES. */
int hd_library_find(void *library, const char *const names[], size_t n, void *ret_functions[]);

#endif
