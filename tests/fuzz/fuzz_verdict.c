/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict in a command's last line, and the definition of a command test. */
#include "fuzz.h"

#include "runners/command/command.h"
#include "runners/command/report.h"
#include "runners/kit/message.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *verdict = verdict_parse((const char *)data, size, &err);
	_cleanup_(json_unrefp) json_t *test = NULL;
	struct command command = { 0 };

	if (verdict)
		FUZZ_CHECK(message_outcome_valid(
			json_string_value(json_object_get(verdict, "outcome"))));
	else
		FUZZ_CHECK(err.text[0] != '\0');

	test = json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
	if (json_is_object(test) && command_read(&command, test, &err) == 0) {
		FUZZ_CHECK(command.argv && command.argv[0]);
		FUZZ_CHECK(command.parse < COMMAND_PARSE_COUNT);
		command_deinit(&command);
	}
	return 0;
}
