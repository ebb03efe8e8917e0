#!/usr/bin/env bash
# Set up .venv from uv.lock. Needs python3 (3.11 or newer) and a package index; installs nothing outside this folder.
# With --no-dev only what the product needs, half of it: tools, tests and benchmarks are left out, unless they are there.
#
# uv.lock keeps the versions and no addresses, so that any index or mirror serves: uv takes the versions from it,
# looks the files up where this machine is configured to, and the committed file is put back afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
whole=.venv/.set-up product=.venv/.set-up-product
fresh() { [ -e "$1" ] && [ ! uv.lock -nt "$1" ] && [ ! pyproject.toml -nt "$1" ]; }
stamp=$whole
if [ "${1:-}" = --no-dev ]; then
    stamp=$product
    # whoever develops keeps the tools
    if [ -e "$whole" ]; then shift; stamp=$whole; fi
fi
if fresh "$stamp"; then exec scripts/assets.sh; fi

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Holdfast needs Python 3.11 or newer; python3 here is $(python3 --version)." >&2; exit 1; }

if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    if [ ! -x .tools/bin/uv ]; then
        echo "setting up: uv"
        # Debian's python3 may come without venv or pip; try what there is
        python3 -m venv .tools >/dev/null 2>&1 || python3 -m virtualenv .tools >/dev/null 2>&1 || {
            rm -rf .tools; python3 -m pip install --quiet --target .tools/lib uv 2>/dev/null && mkdir -p .tools/bin && cp .tools/lib/bin/uv .tools/bin/uv; }
        [ -x .tools/bin/uv ] || .tools/bin/python -m pip install --quiet uv || { echo "could not install uv: install it, or python3-venv, and try again." >&2; exit 1; }
    fi
    uv=.tools/bin/uv
fi

echo "setting up: packages (the first time takes a minute)"
keep=$(mktemp)
cp uv.lock "$keep"
trap 'cp "$keep" uv.lock; rm -f "$keep"' EXIT
# the python3 that is here is used, none is fetched; certificates are those the machine trusts
UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 "$uv" sync --quiet --python "$(command -v python3)" "$@"
cp "$keep" uv.lock
# from here on the lock is older than the stamp, and stays so
rm -f "$keep"
trap - EXIT
touch "$stamp"
scripts/assets.sh
