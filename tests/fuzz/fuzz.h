/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzz target: one parser, fed with whatever bytes. Linked with a fuzzing engine, or with
 * driver.c, which replays a corpus. A broken property ends the program, as a crash does.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. Not assert(): it stays in every build, and says what broke.
 */
#define FUZZ_CHECK(claim)                                                                 \
	do {                                                                              \
		if (!(claim)) {                                                           \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, \
				#claim);                                                  \
			abort();                                                          \
		}                                                                         \
	} while (0)
