/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside Playwright's command line under --list: writes {errors, tests: [{file, line, titles, project}]}
 * to the descriptor PROCTOR_LIST_FD. file, line and titles are those of what can be run alone: the test,
 * or the outermost serial block around it.
 */
"use strict";

const fs = require("fs");

class ListReporter {
	constructor() {
		this.errors = [];
		this.tests = [];
	}

	onBegin(config, suite) {
		const needed = new Set(config.projects.flatMap(({ dependencies, teardown }) => [...dependencies, teardown]));
		for (const project of suite.suites) {
			if (!needed.has(project.project().name))
				this.tests.push(...project.allTests().map((test) => describe(test, project.project().name)));
		}
	}

	onError(error) {
		this.errors.push([error.message || error.value, error.location
			&& `${error.location.file}:${error.location.line}`].filter(Boolean).join("\n"));
	}

	onEnd() {
		fs.writeSync(Number(process.env.PROCTOR_LIST_FD), JSON.stringify({ errors: this.errors, tests: this.tests }));
	}
}

function
describe(test, project)
{
	let unit = test;
	/* The mode is not in the public interface; without it every test stands alone. */
	for (let at = test.parent; at && at.type === "describe"; at = at.parent) {
		if (at._parallelMode === "serial")
			unit = at;
	}
	const [, , , ...titles] = unit.titlePath();
	return { file: test.location.file, line: unit.location.line, titles, project };
}

module.exports = ListReporter;
