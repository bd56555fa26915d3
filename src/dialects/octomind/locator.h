/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line such as `page.getByRole('button', { name: 'Buy', exact: true }).first()` as a chain of
 * selectors. Only texts, numbers and flags may stand in it: nothing is evaluated. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "dialects/octomind/case.h"

/* -1: INVALID, with the place; LIMIT. Texts are the arena's. */
int octo_locator_read(const char *line, struct arena *arena, struct octo_selectors *ret,
	struct err *err) MUST_CHECK;
