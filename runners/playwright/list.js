/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists the tests of a project without running one, so that they can be shared out:
 *
 *	node list.js '{"path": …, "paths"?, "grep"?, "grepInvert"?, "projectName"?}' tests|files CACHE
 *
 * prints {root, items: [{name, paths, projectName}]}, in the project's order: members that make a test
 * of kind playwright one item of it. What depends on its neighbours stays with them: the tests of a
 * serial block are one item, and so are tests that share a line. Projects that others depend on are no
 * items, since Playwright runs them before whatever needs them.
 */
"use strict";

const fs = require("fs");
const path = require("path");
const { spawnSync } = require("child_process");
const { readOptions } = require("./options");
const { choosePlaywright, locate } = require("./project");

const OUTPUT_MAX = 64 * 1024 * 1024;
const NAME_MAX = 200; /* bytes, of a test's name */
const LIST_FD = 3;

function
list(test, by, cache)
{
	const project = locate({ test });
	const playwright = choosePlaywright(project.root);
	const { args } = readOptions({ config: {}, test });
	const file = path.join(fs.mkdtempSync(path.join(cache, "list-")), "list.json");
	const found = run({ project, playwright, args, file, cache });
	return { root: project.root, items: share(found, project.root, by) };
}

function
run({ project, playwright, args, file, cache })
{
	const preload = { modules: playwright.modules, compiled: path.join(cache, "compiled") };
	const fd = fs.openSync(file, "w+");
	const config = project.configFile ? [`--config=${project.configFile}`] : [];
	try {
		const done = spawnSync(process.execPath, ["-r", path.join(__dirname, "preload.js"), playwright.cli, "test",
			"--list", `--reporter=${path.join(__dirname, "list-reporter.js")}`, ...args, ...config, ...project.filters], {
			cwd: project.root,
			env: { ...process.env, FORCE_COLOR: "0", PROCTOR_PRELOAD: JSON.stringify(preload),
				PROCTOR_LIST_FD: String(LIST_FD), PWTEST_CACHE_DIR: path.join(cache, "transform") },
			stdio: ["ignore", "pipe", "pipe", fd],
			maxBuffer: OUTPUT_MAX,
		});
		const { errors, tests } = JSON.parse(fs.readFileSync(file, "utf8") || '{"errors":[],"tests":[]}');
		if (errors.length > 0 || tests.length === 0)
			throw new Error(errors[0] || String(done.stderr || done.stdout).trim() || "No tests found");
		return tests;
	} finally {
		fs.closeSync(fd);
		fs.rmSync(path.dirname(file), { recursive: true, force: true });
	}
}

/* One item for each place, in the order in which the places were met. */
function
share(tests, root, by)
{
	const items = new Map();
	for (const one of tests) {
		const file = path.relative(root, one.file);
		const place = by === "files" ? file : `${file}:${one.line}`;
		const title = by === "files" ? file : [file, ...one.titles].join(" › ");
		const key = `${one.project}\0${place}`;
		if (!items.has(key)) {
			items.set(key, {
				name: clip(one.project ? `${title} [${one.project}]` : title),
				paths: [place],
				projectName: one.project || undefined,
			});
		}
	}
	return unique([...items.values()]);
}

/* Two blocks may have one title: names of a job's tests are what their history goes by. */
function
unique(items)
{
	const seen = new Map();
	for (const item of items) {
		const n = (seen.get(item.name) || 0) + 1;
		seen.set(item.name, n);
		if (n > 1)
			item.name = `${clip(item.name, NAME_MAX - 8)} #${n}`;
	}
	return items;
}

function
clip(text, max = NAME_MAX)
{
	let end = text.length;
	while (Buffer.byteLength(text.slice(0, end)) > max)
		end--;
	return text.slice(0, end);
}

try {
	const [test, by, cache] = process.argv.slice(2);
	process.stdout.write(JSON.stringify(list(JSON.parse(test), by, cache)) + "\n");
} catch (error) {
	process.stdout.write(JSON.stringify({ error: String(error.message) }) + "\n");
	process.exitCode = 1;
}
