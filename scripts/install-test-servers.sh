#!/usr/bin/env bash
# Installs the database servers that the workspace's tests start: PostgreSQL and Redis. Says first what it will do, and does
# nothing where nothing is missing. Debian, Ubuntu (as root, or with sudo) and macOS with Homebrew.
set -euo pipefail

found() {
    command -v "$1" >/dev/null 2>&1 && return
    local place
    for place in /usr/lib/postgresql/*/bin /opt/homebrew/bin /usr/local/bin /opt/homebrew/opt/postgresql*/bin \
        /usr/local/opt/postgresql*/bin; do
        [ -x "$place/$1" ] && return
    done
    return 1
}

missing=()
found initdb || missing+=(postgresql)
found redis-server || missing+=(redis)
if [ ${#missing[@]} -eq 0 ]; then
    echo "install-test-servers: everything is there"
    exit 0
fi

case "$(uname -s)" in
Darwin)
    packages=()
    for name in "${missing[@]}"; do
        case $name in
        postgresql) packages+=(postgresql@17) ;;
        redis) packages+=(redis) ;;
        esac
    done
    echo "install-test-servers: will run: brew install ${packages[*]}"
    brew install "${packages[@]}"
    ;;
Linux)
    command -v apt-get >/dev/null || {
        echo "install-test-servers: no apt-get here: install ${missing[*]} by hand, so that initdb and redis-server are in PATH" >&2
        exit 1
    }
    packages=()
    for name in "${missing[@]}"; do
        case $name in
        postgresql) packages+=(postgresql) ;;
        redis) packages+=(redis-server) ;;
        esac
    done
    sudo=()
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    echo "install-test-servers: will run: ${sudo[*]} apt-get update; ${sudo[*]} apt-get install --yes ${packages[*]}"
    echo "install-test-servers: none of them is started: /usr/sbin/policy-rc.d forbids it while they are installed"
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
*)
    echo "install-test-servers: unknown system: install ${missing[*]} by hand" >&2
    exit 1
    ;;
esac
