#!/usr/bin/env python3
"""What annotations cost the compiler: CPU seconds of `cargo check`, cold and after a one-line edit.

    tests/cost/measure.py [--rounds 5] [--keep]

Run by hand, on a quiet machine. It writes one crate a candidate into target/cost, each of 200 structs of 5 fields, with its
dependencies built beforehand, checks them in turn, and prints the least CPU time of all rounds (user and system, all
processes), minus that of the same crate without the candidate's macros.

The bar: 200 messages with their handlers (100 commands with decisions, 100 queries) add less than serde's two derives add
to the same structs, cold and after an edit. It exits with 1 where they do not.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COST = ROOT / "target" / "cost"
ITEMS = 200

FIELDS = "    pub thing: ThingId,\n    pub name: String,\n    pub count: u32,\n    pub total: i64,\n    pub note: Option<String>,\n"
PLAIN = "pub struct ThingId(pub u64);\n\n"


def structs(derive, field_attribute=""):
    """Plain structs, each below `derive`."""
    fields = "".join(f"    {field_attribute}{line.strip()}\n" for line in FIELDS.splitlines())
    return "".join(f"{derive}pub struct Item{n} {{\n{fields}}}\n\n" for n in range(ITEMS))


def domain(annotated):
    """200 messages with serde, and their handlers; `annotated` or as plain functions."""
    mark = lambda text: text if annotated else ""
    source = [
        "use cqrs_runtime::prelude::*;\n\n",
        "#[derive(Id)]\npub struct ThingId(Uuid);\n\n",
        "#[derive(Event, Serialize, Deserialize)]\npub struct Done {\n    #[tag]\n    pub thing: ThingId,\n}\n\n",
        "#[derive(Debug)]\npub struct Refused;\n\n",
        "impl std::fmt::Display for Refused {\n    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n"
        '        f.write_str("refused")\n    }\n}\n\nimpl std::error::Error for Refused {}\n\n',
        "pub struct Thing {\n    count: u32,\n}\n\n#[aggregate(id = ThingId, on = [Done])]\nimpl Thing {\n"
        "    fn done(this: Option<Self>, _: &Done) -> Self {\n"
        "        Self { count: this.map_or(0, |this| this.count) + 1 }\n    }\n}\n\n",
        "#[derive(View, Serialize, Deserialize)]\npub struct Row {\n    #[key]\n    pub thing: ThingId,\n    #[index]\n"
        "    pub count: u32,\n}\n\n#[projection(on = [Done])]\nimpl Row {\n"
        "    fn done(this: Option<Self>, event: &Done) -> Self {\n"
        "        Self { thing: event.thing, count: this.map_or(0, |this| this.count) + 1 }\n    }\n}\n\n",
    ]
    for n in range(ITEMS // 2):
        source.append(
            f"#[derive({mark('Command, ')}Serialize, Deserialize)]\n{mark('#[cqrs(error = Refused)]')}\n"
            f"pub struct Do{n} {{\n{FIELDS}}}\n\n{mark('#[command]')}\n"
            f"fn do_{n}(cmd: Do{n}, thing: &Thing) -> Result<Done, Refused> {{\n"
            f"    if thing.count > cmd.count {{ Err(Refused) }} else {{ Ok(Done {{ thing: cmd.thing }}) }}\n}}\n\n"
        )
    source.append(EDITED)
    for n in range(ITEMS // 2):
        source.append(
            f"#[derive({mark('Query, ')}Serialize, Deserialize)]\n{mark('#[cqrs(returns = Vec<Row>)]')}\n"
            f"pub struct Ask{n} {{\n{FIELDS}}}\n\n{mark('#[query]')}\n"
            f"async fn ask_{n}(q: Ask{n}, rows: Views<Row>) -> Result<Vec<Row>, QueryError> {{\n"
            f"    rows.find(Row::COUNT.eq(q.count)).all().await\n}}\n\n"
        )
    return "".join(source)


EDITED = "pub fn edited() -> u32 {\n    let edit = 100;\n    edit\n}\n\n"
SERDE = 'serde = { version = "1", features = ["derive"] }\n'
CQRS = f'cqrs-runtime = {{ path = "{ROOT / "cqrs-runtime"}" }}\n' + SERDE
SERDE_ID = "#[derive(serde::Serialize, serde::Deserialize)]\n"

# Name: dependencies, source, the crate whose cost is subtracted.
CRATES = {
    "plain": ("", PLAIN + structs("") + EDITED, None),
    "std derives": (
        "",
        "#[derive(Debug, Clone, PartialEq)]\n" + PLAIN + structs("#[derive(Debug, Clone, PartialEq)]\n") + EDITED,
        "plain",
    ),
    "thiserror": (
        'thiserror = "2"\n',
        "#[derive(Debug)]\n" + PLAIN + structs('#[derive(Debug, thiserror::Error)]\n#[error("{name}: {count}")]\n') + EDITED,
        "plain",
    ),
    "bon": ('bon = "3"\n', PLAIN + structs("#[derive(bon::Builder)]\n") + EDITED, "plain"),
    "serde, both": (
        SERDE,
        SERDE_ID + PLAIN + structs("#[derive(serde::Serialize, serde::Deserialize)]\n") + EDITED,
        "plain",
    ),
    "functions": (CQRS, domain(False), None),
    "messages with handlers": (CQRS, domain(True), "functions"),
}


def run(command, folder):
    environment = {**os.environ, "CARGO_TARGET_DIR": str(COST / "target"), "CARGO_INCREMENTAL": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} in {folder}:\n{done.stderr}")


def cpu(command, folder):
    """The CPU seconds that a command took, its children included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def write(name, crate):
    dependencies, source, _ = CRATES[name]
    folder = COST / crate
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    manifest = f'[package]\nname = "{crate}"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n{dependencies}\n[workspace]\n'
    (folder / "Cargo.toml").write_text(manifest)
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")
    (folder / "src" / "lib.rs").write_text("#![allow(dead_code)]\n\n" + source)
    return folder


def main():
    arguments = argparse.ArgumentParser(description="CPU seconds of `cargo check` with and without annotations")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--keep", action="store_true", help="leave target/cost as it is at the end")
    given = arguments.parse_args()
    folders = {name: write(name, "cost-" + name.replace(",", "").replace(" ", "-")) for name in CRATES}
    least = {}
    for folder in folders.values():
        run(["cargo", "check"], folder)
    for turn in range(given.rounds):
        for name, folder in folders.items():
            run(["cargo", "clean", "-p", folder.name], folder)
            cold = cpu(["cargo", "check", "--offline"], folder)
            file = folder / "src" / "lib.rs"
            text = file.read_text()
            at = text.index("let edit = ") + len("let edit = ")
            file.write_text(text[:at] + str(101 + turn) + text[at + 3 :])
            edit = cpu(["cargo", "check", "--offline"], folder)
            known = least.get(name, (cold, edit))
            least[name] = (min(known[0], cold), min(known[1], edit))
    print(f"{ITEMS} structs of 5 fields; CPU seconds of `cargo check`, the least of {given.rounds}; added = over the same without\n")
    print(f"{'':<26}{'cold':>8}{'added':>8}{'edit':>8}{'added':>8}")
    added = {}
    for name, (cold, edit) in least.items():
        base = CRATES[name][2]
        added[name] = (cold - least[base][0], edit - least[base][1]) if base else None
        cells = [cold, added[name][0], edit, added[name][1]] if base else [cold, None, edit, None]
        print(f"{name:<26}" + "".join(f"{'' if cell is None else f'{cell:.2f}':>8}" for cell in cells))
    if not given.keep:
        shutil.rmtree(COST, ignore_errors=True)
    ours, serde = added["messages with handlers"], added["serde, both"]
    kept = ours[0] < serde[0] and ours[1] < serde[1]
    print(f"\nthe bar, less than serde's two derives add: {'kept' if kept else 'NOT kept'}")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
