/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of the store's contract, one table each, ended by name NULL. */
#pragma once

struct contract_case {
	const char *name;
	void (*run)(void **state);
};

extern const struct contract_case turn_cases[];
extern const struct contract_case read_cases[];
extern const struct contract_case list_cases[];
extern const struct contract_case event_cases[];
extern const struct contract_case stats_cases[];
extern const struct contract_case group_cases[];
extern const struct contract_case flow_cases[];
extern const struct contract_case retention_cases[];
extern const struct contract_case schedule_cases[];
