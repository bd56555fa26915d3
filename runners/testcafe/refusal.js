/* SPDX-License-Identifier: Apache-2.0 */
/* An end of the run that the runner itself decides on: the kit turns it into a result. */
"use strict";

class Refusal extends Error {
	constructor(reason, message, outcome = "errored") {
		super(message);
		this.outcome = outcome;
		this.reason = reason;
		this.details = {};
	}
}

module.exports = { Refusal };
