# Shortcuts; CONTRIBUTING.md has the same commands without `just`.

# List the recipes.
default:
    @just --list

# Formatting, lints, documentation and every test: what a change must pass.
ci:
    .ci/run

# Before every commit: no servers, no compile-fail cases.
fast:
    scripts/test --fast

# Every test; installs the database servers that are missing.
test *ARGS:
    scripts/test {{ARGS}}

# One compile-fail case: `just ui r205`.
ui CASE:
    cargo test -p cqrs-tests --test ui -- what_breaks trybuild={{CASE}}

# Write compile-fail outputs, expansions, the rules page and events.lock again. Then read the diff.
bless:
    TRYBUILD=overwrite cargo test -p cqrs-tests --test ui
    CQRS_BLESS=1 cargo test -p cqrs-macros
    CQRS_BLESS=1 cargo test -p shop -p courses

# The public API of each library, against its public-api.txt. `just public-api --write` writes the files.
public-api *ARGS:
    scripts/check-public-api {{ARGS}}

# Every combination of features.
features:
    scripts/check-features

# The tour of the example shop.
shop:
    cargo run -p shop

# The documentation with the guide and the rules.
docs:
    cargo doc --workspace --no-deps --open

# Licences, duplicate and banned crates, sources.
deny:
    cargo deny check bans licenses sources
