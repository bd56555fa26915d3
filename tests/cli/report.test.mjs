// SPDX-License-Identifier: Apache-2.0
// The reports of a fixed sample: the page in a real Chromium, the XML against a schema.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import test from "node:test";
import { build, folder, root, write } from "./lib/cli.mjs";

const sample = path.join(build, "tests/unit/report/report-sample");
const chromiumPath = "/usr/bin/chromium-headless-shell";

function
render(format)
{
	const { status, stdout } = spawnSync(sample, [format], { encoding: "utf8", maxBuffer: 1 << 26 });
	assert.equal(status, 0);
	return stdout;
}

function
reasonToSkip()
{
	if (!fs.existsSync(sample))
		return "the sample is not built";
	if (!fs.existsSync(chromiumPath))
		return "no chromium-headless-shell";
	return !fs.existsSync(path.join(root, "runners/playwright/node_modules/playwright-core")) && "no playwright-core";
}

// Opens the sample offline; anything on the console, any dialog and any request is a failure.
async function
open(t, options = {})
{
	const { chromium } = createRequire(path.join(root, "runners/playwright/"))("playwright-core");
	const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
	t.after(() => browser.close());
	const context = await browser.newContext({ offline: true, ...options });
	const page = await context.newPage();
	const odd = [];
	page.on("console", (message) => odd.push(`console: ${message.text()}`));
	page.on("pageerror", (error) => odd.push(`error: ${error.message}`));
	page.on("dialog", (dialog) => { odd.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
	page.on("request", (request) => /^(file|data):/.test(request.url()) || odd.push(`request: ${request.url()}`));
	await page.goto(`file://${write(folder(t), "report.html", render("html"))}`);
	t.after(() => assert.deepEqual(odd, []));
	return page;
}

const skip = reasonToSkip();

test("opens offline, quietly, and shows what counts", { skip }, async (t) => {
	const page = await open(t);
	assert.equal(await page.title(), "shop nightly: failed");
	assert.equal(await page.locator("h1").textContent(), "shop nightly");
	assert.equal(await page.locator(".figure").count(), 8);
	assert.equal(await page.locator(".wrong li").count(), 3);
	assert.equal(await page.locator(".bar").count(), 8);
	assert.match(await page.locator(".snippet mark").first().textContent(), /^> 27 \|/);
	assert.equal(await page.locator("[data-state=failed] .shots img").evaluate((image) => image.naturalWidth), 1);
	/* Hostile texts are texts. */
	assert.equal(await page.locator("script").count(), 1);
	assert.equal(await page.getByText("</script><script>alert(1)</script>").count() > 0, true);
});

test("filters by words and by result", { skip }, async (t) => {
	const page = await open(t);
	const visible = () => page.locator("[data-state]:visible").count();
	const all = await visible();
	assert.equal(all, 12);
	await page.getByRole("button", { name: "Failed", exact: true }).click();
	assert.equal(await visible(), 3);
	assert.equal(await page.locator("#shown").textContent(), "3 of 12 shown");
	await page.getByRole("button", { name: "All", exact: true }).click();
	await page.getByRole("searchbox").fill("orders iteration 2");
	assert.equal(await visible(), 1);
	await page.getByRole("searchbox").fill("nothing like it");
	assert.equal(await visible(), 0);
	assert.ok(await page.getByText("Nothing matches the filter.").isVisible());
});

test("works by keyboard: skip link, search, details, enlarged screenshot", { skip }, async (t) => {
	const page = await open(t);
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.textContent), "To the tests");
	await page.keyboard.press("/");
	assert.equal(await page.evaluate(() => document.activeElement.id), "search");
	const row = page.locator("details.row", { hasText: "Iteration 1" });
	await row.locator("summary").first().focus();
	await page.keyboard.press("Enter");
	assert.ok(await row.evaluate((one) => one.open));
	await page.locator(".shots button").first().focus();
	await page.keyboard.press("Enter");
	assert.ok(await page.locator("dialog").isVisible());
	await page.keyboard.press("Escape");
	assert.ok(!(await page.locator("dialog").isVisible()));
});

test("a link to something closed opens it", { skip }, async (t) => {
	const page = await open(t);
	const row = page.locator("details.row", { hasText: "Iteration 2" });
	await page.evaluate((id) => { location.hash = `#${id}`; }, await row.getAttribute("id"));
	await row.locator(".runline").waitFor({ state: "visible" });
});

// Contrast as WCAG counts it, over everything that shows text of its own.
async function
worstContrast(page)
{
	return page.evaluate(() => {
		const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
		const light = ([r, g, b]) => {
			const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
			return 0.2126 * x + 0.7152 * y + 0.0722 * z;
		};
		const ground = (element) => {
			for (let at = element; at; at = at.parentElement) {
				const colour = parse(getComputedStyle(at).backgroundColor);
				if (colour.length === 3 || colour[3] === 1)
					return colour;
			}
			return [255, 255, 255];
		};
		let worst = { ratio: 99 };
		for (const element of document.body.querySelectorAll("*")) {
			const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
			if (!hasText || !element.checkVisibility() || element.closest("svg, script"))
				continue;
			const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
			const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
			if (ratio < worst.ratio)
				worst = { ratio, text: element.textContent.trim().slice(0, 40) };
		}
		return worst;
	});
}

for (const colorScheme of ["light", "dark"]) {
	for (const width of [1280, 360]) {
		test(`${colorScheme}, ${width} wide: readable, and nothing sticks out`, { skip }, async (t) => {
			const page = await open(t, { colorScheme, viewport: { width, height: 800 } });
			await page.evaluate(() => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
			const worst = await worstContrast(page);
			assert.ok(worst.ratio >= 4.5, `${worst.ratio.toFixed(2)}: ${worst.text}`);
			assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
		});
	}
}

test("without JavaScript everything is there but the filter", { skip }, async (t) => {
	const page = await open(t, { javaScriptEnabled: false });
	assert.ok(!(await page.locator(".filter").isVisible()));
	assert.ok(await page.getByRole("heading", { name: "checkout" }).isVisible());
});

test("the JUnit report is valid", { skip: !fs.existsSync(sample) && "the sample is not built" }, (t) => {
	if (spawnSync("xmllint", ["--version"]).error)
		return t.skip("no xmllint");
	const dir = folder(t);
	const check = (text) => spawnSync("xmllint", ["--noout", "--schema", path.join(root, "tests/cli/junit.xsd"),
		write(dir, "r.xml", text)], { encoding: "utf8" });
	const xml = render("junit");
	const { status, stderr } = check(xml);
	assert.equal(status, 0, stderr);
	/* The schema can refuse. */
	assert.notEqual(check(xml.replace("<system-out/>", "")).status, 0);
});
