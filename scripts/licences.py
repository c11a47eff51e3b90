#!/usr/bin/env python3
"""Checks the dependencies against deny.toml without cargo-deny: licences, sources, duplicate versions."""

import collections
import json
import os
import re
import subprocess
import sys
import tomllib

TOKEN = re.compile(r"[()]|[^\s()/]+|/")


def allowed(expression, allow):
    """Whether an SPDX expression can be met by the licences in `allow`."""
    # Old manifests write "MIT/Apache-2.0" for a choice.
    tokens = ["OR" if token == "/" else token for token in TOKEN.findall(expression)]

    def choice():
        met = union()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            met = union() or met
        return met

    def union():
        met = term()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            met = term() and met
        return met

    def term():
        licence = tokens.pop(0)
        if licence == "(":
            met = choice()
            tokens.pop(0)
            return met
        if tokens and tokens[0] == "WITH":
            licence = " ".join([licence, tokens.pop(0), tokens.pop(0)])
        return licence in allow

    return choice()


# What is distributed: the library, and the command.
MANIFESTS = ["Cargo.toml", "cli/Cargo.toml"]


def dependencies(manifest, targets):
    """The packages that a build for any of the targets takes, its own included."""
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--locked", "--format-version", "1", "--all-features"]
    command += ["--manifest-path", manifest]
    packages = {}
    for target in targets:
        output = subprocess.run([*command, "--filter-platform", target], check=True, stdout=subprocess.PIPE).stdout
        packages.update((package["id"], package) for package in json.loads(output)["packages"])
    return list(packages.values())


def main():
    with open("deny.toml", "rb") as file:
        rules = tomllib.load(file)
    allow = set(rules["licenses"]["allow"])
    exceptions = {entry["crate"]: set(entry["allow"]) for entry in rules["licenses"].get("exceptions", [])}
    skipped = {entry["crate"] for entry in rules["bans"].get("skip", [])}

    problems = [
        f"{manifest}: {problem}"
        for manifest in MANIFESTS
        for problem in check(dependencies(manifest, rules["graph"]["targets"]), allow, exceptions, skipped)
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


def check(packages, allow, exceptions, skipped):
    """What is wrong with these packages."""
    problems = []
    versions = collections.defaultdict(set)
    for package in packages:
        name = f"{package['name']} {package['version']}"
        versions[package["name"]].add(package["version"])
        if not package["license"] or not allowed(package["license"], allow | exceptions.get(package["name"], set())):
            problems.append(f"{name}: licence {package['license']} is not in deny.toml")
        source = package["source"]
        if source and not source.startswith("registry+"):
            problems.append(f"{name}: comes from {source}")
    for crate, found in sorted(versions.items()):
        if len(found) > 1 and crate not in skipped:
            problems.append(f"{crate}: {len(found)} versions ({', '.join(sorted(found))}), deny.toml skips none")
    for crate in sorted(skipped):
        if len(versions[crate]) < 2:
            problems.append(f"{crate}: deny.toml skips it, but there is one version only")

    print(f"{len(packages)} packages looked at")
    return problems


if __name__ == "__main__":
    sys.exit(main())
