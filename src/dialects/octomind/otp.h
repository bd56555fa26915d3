/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One-time passwords of now (RFC 6238: SHA-1, 30 s, six digits) from a key in base 32, as code:
 * a password is made where and when it is typed.
 */
#pragma once

/*
 * Body of a function in a page, with args { key, now? }. Plain arithmetic: what browsers have
 * for it is there on secure origins only.
 */
const char *octo_otp_page_code(void) __attribute__((returns_nonnull));

/* oneTimePassword(key) in TypeScript, and the import that it needs. */
const char *octo_otp_node_import(void) __attribute__((returns_nonnull));
const char *octo_otp_node_code(void) __attribute__((returns_nonnull));
