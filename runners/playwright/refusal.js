/* SPDX-License-Identifier: Apache-2.0 */
/* An end of the run that the runner itself decides on: the kit turns it into a result. */
"use strict";

class Refusal extends Error {
	constructor(reason, message, details = {}, outcome = "errored") {
		super(message);
		this.outcome = outcome;
		this.reason = reason;
		this.details = details;
	}
}

module.exports = { Refusal };
