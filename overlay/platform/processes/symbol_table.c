/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/processes/symbol_table.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/files/file.h"

/*
 * The file may have been replaced since the program was started, or be damaged: everything in it is checked against its
 * size, and the worst that happens is a wrong name.
 */

#define IMAGE_LIMIT ((size_t)256 << 20)

/* SIZE bytes at OFFSET lie within the image. */
static bool fits(size_t image_size, uint64_t offset, uint64_t size)
{
	return offset <= image_size && size <= image_size - offset;
}

static int compare(const void *left, const void *right)
{
	const struct hd_symbol *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

static void read_section(struct hd_symbol_table *table, const ElfW(Shdr) * section, const ElfW(Shdr) * names)
{
	const char *text = table->image + names->sh_offset;
	size_t count = section->sh_size / sizeof(ElfW(Sym));
	struct hd_symbol *symbols = calloc(count + 1, sizeof(*symbols));

	/* A name ends within its section, or there are none. */
	if (!symbols || names->sh_size == 0 || text[names->sh_size - 1] != '\0') {
		free(symbols);
		return;
	}
	table->symbols = symbols;
	for (size_t i = 0; i < count; i++) {
		ElfW(Sym) symbol;

		memcpy(&symbol, table->image + section->sh_offset + i * sizeof(symbol), sizeof(symbol));
		if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_value == 0 ||
			symbol.st_name >= names->sh_size)
			continue;
		symbols[table->n_symbols++] = (struct hd_symbol){
			symbol.st_value + table->bias, symbol.st_size, text + symbol.st_name};
	}
	qsort(symbols, table->n_symbols, sizeof(*symbols), compare);
}

/* Section NUMBER of the image, if it is there whole. */
static bool read_header(const struct hd_symbol_table *table, const ElfW(Ehdr) * header, size_t number,
	ElfW(Shdr) * ret_section)
{
	size_t size = table->image_size;

	if (number >= header->e_shnum ||
		!fits(size, header->e_shoff, (uint64_t)header->e_shnum * sizeof(*ret_section)))
		return false;
	memcpy(ret_section, table->image + header->e_shoff + number * sizeof(*ret_section),
		sizeof(*ret_section));
	return ret_section->sh_type == SHT_NOBITS || fits(size, ret_section->sh_offset, ret_section->sh_size);
}

void hd_symbol_table_parse(char *image, size_t size, uintptr_t bias, struct hd_symbol_table *ret_table)
{
	static const unsigned char kind[] = {
		ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32};
	ElfW(Shdr) section, names;
	ElfW(Ehdr) header;

	*ret_table = (struct hd_symbol_table){.image = image, .image_size = size, .bias = bias};
	if (size < sizeof(header))
		return;
	memcpy(&header, image, sizeof(header));
	if (memcmp(header.e_ident, kind, sizeof(kind)) != 0 || header.e_shentsize != sizeof(section))
		return;
	for (size_t i = 0; i < header.e_shnum && !ret_table->symbols; i++)
		if (read_header(ret_table, &header, i, &section) && section.sh_type == SHT_SYMTAB &&
			read_header(ret_table, &header, section.sh_link, &names) &&
			names.sh_type == SHT_STRTAB)
			read_section(ret_table, &section, &names);
}

struct program {
	uintptr_t bias, begin, end;
};

/* The first object is the program. */
static int find_program(struct dl_phdr_info *object, size_t size, void *payload)
{
	struct program *program = payload;

	(void)size;
	program->bias = object->dlpi_addr;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		program->begin = object->dlpi_addr + segment->p_vaddr;
		program->end = program->begin + segment->p_memsz;
	}
	return 1;
}

int hd_symbol_table_load(struct hd_symbol_table *ret_table)
{
	struct program program = {0};
	size_t size = 0;
	char *image;
	int r;

	*ret_table = (struct hd_symbol_table){0};
	(void)dl_iterate_phdr(find_program, &program);
	r = hd_file_read_whole(AT_FDCWD, "/proc/self/exe", IMAGE_LIMIT, &image, &size);
	if (r >= 0)
		hd_symbol_table_parse(image, size, program.bias, ret_table);
	ret_table->bias = program.bias;
	ret_table->program_begin = program.begin;
	ret_table->program_end = program.end;
	return r;
}

void hd_symbol_table_clear(struct hd_symbol_table *table)
{
	free(table->symbols);
	free(table->image);
	*table = (struct hd_symbol_table){0};
}

bool hd_symbol_table_is_program(const struct hd_symbol_table *table, uintptr_t address)
{
	return address >= table->program_begin && address < table->program_end;
}

/* The function that ADDRESS is in, or NULL. */
static const struct hd_symbol *find(const struct hd_symbol_table *table, uintptr_t address)
{
	size_t low = 0, high = table->n_symbols;
	const struct hd_symbol *symbol;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	symbol = low > 0 ? &table->symbols[low - 1] : NULL;
	/* One past the end: a call that does not return may be a function's last instruction. */
	return symbol && address <= symbol->address + symbol->size ? symbol : NULL;
}

static void name_library(uintptr_t address, char *buffer, size_t size)
{
	Dl_info info;
	const char *file;

	if (!dladdr((void *)address, &info) || !info.dli_fname) {
		(void)snprintf(buffer, size, "%#zx", (size_t)address);
		return;
	}
	file = strrchr(info.dli_fname, '/');
	file = file ? file + 1 : info.dli_fname;
	if (info.dli_sname)
		(void)snprintf(buffer, size, "%s %s+%#zx", file, info.dli_sname,
			(size_t)(address - (uintptr_t)info.dli_saddr));
	else
		(void)snprintf(buffer, size, "%s +%#zx", file, (size_t)(address - (uintptr_t)info.dli_fbase));
}

void hd_symbol_table_name(const struct hd_symbol_table *table, uintptr_t address, char *buffer, size_t size)
{
	const struct hd_symbol *symbol = find(table, address);

	if (symbol)
		(void)snprintf(buffer, size, "%s+%#zx", symbol->name, (size_t)(address - symbol->address));
	else if (hd_symbol_table_is_program(table, address))
		(void)snprintf(buffer, size, "+%#zx", (size_t)(address - table->bias));
	else
		name_library(address, buffer, size);
}
