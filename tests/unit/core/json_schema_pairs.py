#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Draft 2020-12 against a second implementation, Debian's python3-jsonschema.

    json_schema_pairs.py VERDICTS [SEED [PAIRS]]

Schemas and values are drawn from a small world of names and numbers, so that about half of the
values fit. Every keyword of the draft takes part except those where the second implementation
is known to be wrong, or to differ where the draft leaves it open: `unevaluatedItems` and
`unevaluatedProperties` (version 4.10 knows them in part), multiples of fractions, `format`.
Those are test_json_schema.c's. Exits with 77 (skipped) where the package is not installed."""

import json
import random
import subprocess
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

NAMES = ["a", "b", "ab", "c"]
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
PATTERNS = ["^a", "b$", "a.?b", "^[ab]+$", "c"]


def draw_value(draw, depth=3):
    kind = draw.choice(["null", "boolean", "integer", "real", "text", "list", "object"])
    if kind == "null":
        return None
    if kind == "boolean":
        return draw.random() < 0.5
    if kind == "integer":
        return draw.randint(-2, 4)
    if kind == "real":
        return draw.choice([1.0, 2.5, -0.5, 0.0])
    if kind == "text" or depth == 0:
        return "".join(draw.choice("abcü") for _ in range(draw.randint(0, 4)))
    if kind == "list":
        return [draw_value(draw, depth - 1) for _ in range(draw.randint(0, 4))]
    return {name: draw_value(draw, depth - 1) for name in NAMES if draw.random() < 0.5}


class Schemas:
    """Draws schemas; those under $defs may be referred to from everywhere."""

    def __init__(self, draw):
        self.draw = draw
        self.targets = []

    def document(self):
        self.targets = ["#/$defs/x", "#/$defs/y", "#anchor", "z"]
        inner = Schemas(self.draw)
        defs = {"x": inner.schema(2), "y": inner.schema(2), "w": inner.schema(1), "z": inner.schema(1)}
        for name, member, text in (("w", "$anchor", "anchor"), ("z", "$id", "z")):
            defs[name] = dict(defs[name] if isinstance(defs[name], dict) else {}, **{member: text})
        schema = self.schema(3)
        if isinstance(schema, bool):
            return schema
        return dict(schema, **{"$id": "http://example.com/top", "$defs": defs})

    def schema(self, depth):
        if self.draw.random() < 0.08:
            return self.draw.random() < 0.7
        members = {}
        for _ in range(self.draw.randint(1, 3)):
            members.update(self.keyword(depth))
        return members

    def schemas(self, depth):
        return [self.schema(depth) for _ in range(self.draw.randint(1, 3))]

    def map(self, names, depth):
        return {name: self.schema(depth) for name in names if self.draw.random() < 0.5}

    def keyword(self, depth):
        draw = self.draw
        plain = [self.values, self.numbers, self.sizes, self.names]
        if self.targets and draw.random() < 0.15:
            return {"$ref": draw.choice(self.targets)}
        if depth == 0 or draw.random() < 0.5:
            return draw.choice(plain)()
        return draw.choice([self.members, self.items, self.combined])(depth - 1)

    def values(self):
        draw = self.draw
        return draw.choice([
            {"type": draw.choice(TYPES)},
            {"type": draw.sample(TYPES, 3)},
            {"enum": [draw_value(draw, 1) for _ in range(6)]},
            {"const": draw_value(draw, 1)},
            {"pattern": draw.choice(PATTERNS)},
        ])

    def numbers(self):
        draw = self.draw
        name = draw.choice(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
        return draw.choice([{name: draw.choice([-1, 0, 1, 2, 2.5])}, {"multipleOf": draw.choice([1, 2, 3])}])

    def sizes(self):
        what = self.draw.choice(["Length", "Items", "Properties"])
        return {self.draw.choice(["min", "max"]) + what: self.draw.choice([0, 1, 2, 3.0])}

    def names(self):
        draw = self.draw
        return draw.choice([
            {"required": draw.sample(NAMES, 2)},
            {"dependentRequired": {draw.choice(NAMES): draw.sample(NAMES, 1)}},
            {"uniqueItems": draw.random() < 0.8},
        ])

    def members(self, depth):
        draw = self.draw
        return draw.choice([
            lambda: {"properties": self.map(NAMES, depth)},
            lambda: {"properties": self.map(NAMES, depth), "additionalProperties": self.schema(depth)},
            lambda: {"patternProperties": self.map(PATTERNS, depth), "additionalProperties": self.schema(0)},
            lambda: {"propertyNames": self.schema(0)},
            lambda: {"dependentSchemas": self.map(NAMES, depth)},
        ])()

    def items(self, depth):
        return self.draw.choice([
            lambda: {"items": self.schema(depth)},
            lambda: {"prefixItems": self.schemas(depth)},
            lambda: {"prefixItems": self.schemas(depth), "items": self.schema(depth)},
            lambda: {"contains": self.schema(0)},
            lambda: {"contains": self.schema(0), "minContains": self.draw.randint(0, 2), "maxContains": 2},
        ])()

    def combined(self, depth):
        return self.draw.choice([
            lambda: {"allOf": self.schemas(depth)},
            lambda: {"anyOf": self.schemas(depth)},
            lambda: {"oneOf": self.schemas(depth)},
            lambda: {"not": self.schema(depth)},
            lambda: {"if": self.schema(depth), "then": self.schema(depth), "else": self.schema(depth)},
        ])()


def main():
    seed = sys.argv[2] if len(sys.argv) > 2 else "2020-12"
    n_pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 600
    draw = random.Random(seed)
    pairs, wanted = [], []
    while len(pairs) < n_pairs:
        schema, value = Schemas(draw).document(), draw_value(draw)
        Draft202012Validator.check_schema(schema)
        pairs.append([schema, value])
        wanted.append("fits" if Draft202012Validator(schema).is_valid(value) else "differs")
    lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
    found = subprocess.run([sys.argv[1]], input=lines, text=True, capture_output=True, check=True)
    problems = 0
    for pair, theirs, ours in zip(pairs, wanted, found.stdout.splitlines(), strict=True):
        if theirs != ours:
            problems += 1
            print(f"{json.dumps(pair)}: {theirs}, here {ours}")
    fitting = wanted.count("fits")
    print(f"{n_pairs} pairs, {fitting} fit, {problems} differ")
    # A world in which nothing or everything fits would prove little.
    return 1 if problems or not n_pairs / 5 < fitting < n_pairs * 4 / 5 else 0


if __name__ == "__main__":
    sys.exit(main())
