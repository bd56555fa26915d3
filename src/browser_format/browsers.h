/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The browsers that tests of kind `browser` run in, by the names that groups give them: one
 * list for the check at submit and for the runner. Pure. Which others there might be:
 * docs/decisions/0010-firefox.md.
 */
#pragma once

enum browser_build {
	BROWSER_BUILD_SHELL, /* headless only: what a test gets unless it asks for more */
	BROWSER_BUILD_FULL,
};

/* For sentences about a name that is none of them. */
#define BROWSERS_KNOWN "chromium and chromium-full"

/* 0 with *ret; 1: there is no such browser. Case does not count. */
int browser_build_find(const char *name, enum browser_build *ret);
