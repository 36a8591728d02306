#!/usr/bin/env bash
# Installs the servers that the workspace's tests start: PostgreSQL, PgBouncer, Redis, and a server that speaks MongoDB's
# protocol: where there is no `mongod`, that is SecantusDB from PyPI, in a Python environment of its own. Says first what it
# will do, and does nothing where nothing is missing. Debian, Ubuntu (as root, or with sudo) and macOS with Homebrew.
set -euo pipefail

secantus=0.7.0b3
environment=${XDG_DATA_HOME:-$HOME/.local/share}/cqrs-test-servers/secantusdb-$secantus

found() {
    command -v "$1" >/dev/null 2>&1 && return
    local place
    for place in /usr/sbin /usr/lib/postgresql/*/bin /opt/homebrew/bin /usr/local/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin "$environment/bin"; do
        [ -x "$place/$1" ] && return
    done
    return 1
}

# Python can make an environment only where Debian's package for that is there.
makes_environments() {
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1
}

missing=()
found initdb || missing+=(postgresql)
found pgbouncer || missing+=(pgbouncer)
found redis-server || missing+=(redis)
found mongod || found secantusd-py || missing+=(secantusdb)
if [ ${#missing[@]} -eq 0 ]; then
    echo "install-test-servers: everything is there"
    exit 0
fi

packages=() needs_secantus=
case "$(uname -s)" in
Darwin)
    for name in "${missing[@]}"; do
        case $name in
        postgresql) packages+=(postgresql@17) ;;
        pgbouncer) packages+=(pgbouncer) ;;
        redis) packages+=(redis) ;;
        secantusdb)
            needs_secantus=1
            makes_environments || packages+=(python)
            ;;
        esac
    done
    if [ ${#packages[@]} -gt 0 ]; then
        echo "install-test-servers: will run: brew install ${packages[*]}"
    fi
    ;;
Linux)
    for name in "${missing[@]}"; do
        case $name in
        postgresql) packages+=(postgresql) ;;
        pgbouncer) packages+=(pgbouncer) ;;
        redis) packages+=(redis-server) ;;
        secantusdb)
            needs_secantus=1
            makes_environments || packages+=(python3-venv)
            ;;
        esac
    done
    if [ ${#packages[@]} -gt 0 ]; then
        command -v apt-get >/dev/null || {
            echo "install-test-servers: no apt-get here: install ${missing[*]} by hand, so that initdb, pgbouncer, redis-server, and mongod or" \
                "secantusd-py are in PATH" >&2
            exit 1
        }
        sudo=()
        [ "$(id -u)" -eq 0 ] || sudo=(sudo)
        echo "install-test-servers: will run: ${sudo[*]} apt-get update; ${sudo[*]} apt-get install --yes ${packages[*]}"
        echo "install-test-servers: none of them is started: /usr/sbin/policy-rc.d forbids it while they are installed"
    fi
    ;;
*)
    echo "install-test-servers: unknown system: install ${missing[*]} by hand" >&2
    exit 1
    ;;
esac
if [ -n "$needs_secantus" ]; then
    echo "install-test-servers: will make a Python environment in $environment, and pip install SecantusDB==$secantus there"
fi

if [ ${#packages[@]} -gt 0 ]; then
    case "$(uname -s)" in
    Darwin) brew install "${packages[@]}" ;;
    Linux)
        # The tests start servers of their own; those of the packages would sit on the standard ports.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
            "${sudo[@]}" chmod 755 "$policy"
            trap '"${sudo[@]}" rm -f "$policy"' EXIT
        fi
        "${sudo[@]}" apt-get update
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${packages[@]}"
        ;;
    esac
fi
if [ -n "$needs_secantus" ]; then
    # One that was left half-made is started again.
    python3 -m venv --clear "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "SecantusDB==$secantus"
fi
