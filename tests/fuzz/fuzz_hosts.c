/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of hosts: anything may be in a file, and what was added is found. */
#include <stdint.h>

#include "browser_format/hosts.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_from((const char *)data, size);
	struct host_set set;
	struct host_file file;
	struct err err;

	host_set_init(&set);
	(void)host_set_add_file(&set, text, &file, &err); /* either way nothing may break */
	(void)host_set_has(&set, text, 80);
	(void)host_set_has_url(&set, text, NULL);
	host_set_deinit(&set);
	return 0;
}
