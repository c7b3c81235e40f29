/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Symbols of the running program, whose file may have been replaced or damaged since it was started: names end within the
 * image, and every address gets one.
 *
 * LINK: heddle_platform
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/processes/symbol_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hd_symbol_table table;
	char *image = malloc(size + 1);
	char name[64];

	if (!image)
		return 0;
	memcpy(image, data, size);
	hd_symbol_table_parse(image, size, 0x1000, &table);
	for (size_t i = 0; i < table.n_symbols; i++) {
		const struct hd_symbol *symbol = &table.symbols[i];

		if (symbol->name < image || symbol->name + strlen(symbol->name) >= image + size ||
			(i > 0 && symbol->address < table.symbols[i - 1].address))
			abort();
		table.program_begin = symbol->address;
		table.program_end = UINTPTR_MAX;
		hd_symbol_table_name(&table, symbol->address + symbol->size / 2, name, sizeof(name));
	}
	hd_symbol_table_clear(&table);
	return 0;
}
