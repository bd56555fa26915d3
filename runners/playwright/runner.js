/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `playwright` runner: carries out a script, a bundle or a project with Playwright Test.
 * Everything of weight is loaded after `ready` has been sent, while no run is there yet.
 */
"use strict";

const kit = require("../kit");

kit.serve({
	name: "playwright",
	kinds: ["playwright"],
	reusable: true,
	prepare: (hello) => require("./run").prepare(hello),
	run: (request, ctx) => require("./run").run(request, ctx),
});
