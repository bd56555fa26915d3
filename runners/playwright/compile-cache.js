/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps what V8 has made of Playwright's large bundles, so that the next process need not parse them
 * again: the command line and each of its workers load about ten megabytes of JavaScript, and that
 * was a fifth of the time of a short run. Node 22 has this built in (NODE_COMPILE_CACHE); for 18
 * and 20 it is done here, for files of Playwright alone, never for the user's.
 *
 * An entry is a digest followed by V8's data, under a name that says for which Node, which file,
 * which content and which of the two parts. V8 refuses data of another version but does not look at
 * damage, hence the digest.
 */
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const Module = require("module");
const path = require("path");
const vm = require("vm");

const SIZE_MIN = 200 * 1024; /* below it there is nothing to win */
const PLAYWRIGHT = /[\\/]node_modules[\\/](?:@playwright|playwright|playwright-core)[\\/]/;
const DIGEST_BYTES = 20;

/*
 * Code that V8 was given this way can only import() where Node lends it its own loader (20.12 and
 * later). On 18 the one bundle that does so at its start is left alone, and so is any Playwright
 * but the one that this was tried with.
 */
const LOADER = vm.constants && vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const IMPORTING = "utilsBundle.js";

/*
 * Lets modules of Playwright come from, and go into, the directory from now on. isPinned: it is the
 * version that the runner brings along.
 */
function
install(directory, isPinned)
{
	if (!LOADER && !isPinned)
		return;
	const compile = Module.prototype._compile;
	const fresh = [];

	Module.prototype._compile = function (content, filename, ...rest) {
		if (content.length < SIZE_MIN || !PLAYWRIGHT.test(filename) || !LOADER && path.basename(filename) === IMPORTING)
			return compile.call(this, content, filename, ...rest);
		const file = path.join(directory, nameOf(filename));
		const cachedData = read(file);
		const script = new vm.Script(Module.wrap(content), { filename, cachedData, importModuleDynamically: LOADER });
		if (!cachedData || script.cachedDataRejected)
			fresh.push({ file, script });
		return script.runInThisContext().call(this.exports, this.exports, requireOf(this), this,
			filename, path.dirname(filename));
	};
	/* At the end, because then the data hold the functions that were really used. */
	process.on("exit", () => fresh.forEach(({ file, script }) => write(file, script.createCachedData())));
}

function
nameOf(filename)
{
	const { mtimeMs, size } = fs.statSync(filename);
	/* The command line and its workers use other functions of the same files. */
	const part = process.send ? "worker" : "main";
	const identity = [process.version, process.arch, part, filename, mtimeMs, size].join("\0");
	return crypto.createHash("sha1").update(identity).digest("hex");
}

function
read(file)
{
	try {
		const bytes = fs.readFileSync(file);
		const data = bytes.subarray(DIGEST_BYTES);
		return digest(data).equals(bytes.subarray(0, DIGEST_BYTES)) ? data : undefined;
	} catch {
		return undefined;
	}
}

/* A cache that cannot be written is no reason to fail. */
function
write(file, data)
{
	const draft = `${file}.${process.pid}`;
	try {
		fs.mkdirSync(path.dirname(file), { recursive: true });
		fs.writeFileSync(draft, Buffer.concat([digest(data), data]));
		fs.renameSync(draft, file);
	} catch {
		fs.rmSync(draft, { force: true });
	}
}

function
digest(data)
{
	return crypto.createHash("sha1").update(data).digest();
}

function
requireOf(module)
{
	const require = (id) => module.require(id);
	require.resolve = (id, options) => Module._resolveFilename(id, module, false, options);
	require.main = process.mainModule;
	require.extensions = Module._extensions;
	require.cache = Module._cache;
	return require;
}

module.exports = { install };
