/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `testcafe` runner: carries out existing TestCafe suites, unchanged.
 * Everything of weight is loaded with the first run, so that `ready` is sent at once.
 */
"use strict";

const kit = require("../kit");

kit.serve({
	name: "testcafe",
	kinds: ["testcafe"],
	reusable: true,
	run: (request, ctx) => require("./run").run(request, ctx),
});
