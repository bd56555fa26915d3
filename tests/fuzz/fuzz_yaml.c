/* SPDX-License-Identifier: Apache-2.0 */
/* Job files in YAML. */
#include "fuzz.h"

#include "cli/yaml.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml yaml = { 0 };
	struct err err = { 0 };

	if (yaml_read(&yaml, (const char *)data, size, &err) < 0) {
		FUZZ_CHECK(err.text[0] != '\0');
		return 0;
	}
	FUZZ_CHECK(yaml.root != NULL);
	(void)yaml_line(&yaml, "/tests/0/argv/1");
	yaml_deinit(&yaml);
	return 0;
}
