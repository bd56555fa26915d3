/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files config*.c only. */
#pragma once

#include "browser_format/config.h"

/* Members of several forms that concern the network; NULL: absent. */
struct config_network_raw {
	json_t *headers, *credentials, *network, *proxy, *block_ads, *mocks, *cookies, *storage;
	struct strs block_hosts, allow_hosts;
};

/* Decodes them into *config; offences are added. */
void config_decode_network(struct browser_config *config,
	const struct config_network_raw *network, const char *pointer, struct issues *issues);

/* Those of them that are cookies and storage: behind baseURL, which cookies may need. */
void config_decode_state(struct browser_config *config, const struct config_network_raw *raw,
	const char *pointer, struct issues *issues);

/* The same of what is kept of a run. */
struct config_evidence_raw {
	json_t *screenshot, *video, *har, *dom, *console, *compare;
};

void config_decode_evidence(struct browser_config *config,
	const struct config_evidence_raw *raw, const char *pointer, struct issues *issues);

/* An offence when is_set and value is outside min … max (which may be fractions). */
void config_check_range(bool is_set, double value, double min, double max, const char *pointer,
	const char *name, struct issues *issues);

/* Starts with http:// or https://, has a host, no control characters or blanks. */
bool config_is_web_url(const char *url);

/* http(s)://host[:port] and nothing behind it. */
bool config_is_origin(const char *text);
