/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `playwright` runner: carries out a script, a bundle or a project with Playwright Test.
 * Everything of weight is loaded with the first run, so that `ready` is sent at once.
 */
"use strict";

const kit = require("../kit");

kit.serve({
	name: "playwright",
	kinds: ["playwright"],
	reusable: true,
	run: (request, ctx) => require("./run").run(request, ctx),
});
