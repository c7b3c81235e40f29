/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_SYMBOL_TABLE_H
#define HEDDLE_PLATFORM_PROCESSES_SYMBOL_TABLE_H

/*
 * Names of this process' functions by address: those of the program itself from its symbol table, static ones too, those
 * of libraries from what the dynamic linker knows.
 *
 * Ownership   hd_symbol_table_clear frees. A program without symbols has an empty table, which names no function but says
 *             where in the program an address is.
 * Threads     One at a time. Not for signal handlers.
 * Errors      -errno; a file that is no ELF file of this machine's kind has an empty table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_symbol {
	uintptr_t address;
	size_t size;
	const char *name;
};

struct hd_symbol_table {
	struct hd_symbol *symbols; /* owned; sorted by address */
	size_t n_symbols;
	char *image; /* owned: the file; names point here */
	size_t image_size;
	uintptr_t program_begin, program_end; /* code of the program itself */
	uintptr_t bias;                       /* address in memory less the one in the file */
};

/* Reads the symbols of the running program (io). */
int hd_symbol_table_load(struct hd_symbol_table *ret_table);
/* Those in IMAGE, SIZE bytes, which the table takes over: for tests of damaged ones. */
void hd_symbol_table_parse(char *image, size_t size, uintptr_t bias, struct hd_symbol_table *ret_table);
void hd_symbol_table_clear(struct hd_symbol_table *table);

/* Whether ADDRESS is in the program's own code. */
bool hd_symbol_table_is_program(const struct hd_symbol_table *table, uintptr_t address);

/* "name+0x1f", "libc.so.6 read+0x1f" or "+0x1234": an address in the file. */
void hd_symbol_table_name(const struct hd_symbol_table *table, uintptr_t address, char *buffer, size_t size);

#endif
