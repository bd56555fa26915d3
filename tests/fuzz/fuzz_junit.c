/* SPDX-License-Identifier: Apache-2.0 */
/* JUnit XML of test commands. */
#include "fuzz.h"

#include "runners/command/report.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct report report;
	struct err err = { 0 };

	report_init(&report);
	if (junit_parse(&report, (const char *)data, size, &err) < 0)
		FUZZ_CHECK(err.text[0] != '\0');
	FUZZ_CHECK(json_array_size(report.cases) <= REPORT_CASES_MAX);
	FUZZ_CHECK(report.passed + report.failed + report.skipped + report.flaky ==
		json_array_size(report.cases) + report.n_dropped);
	report_deinit(&report);
	return 0;
}
