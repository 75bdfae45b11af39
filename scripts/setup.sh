# Sourced by the other scripts: makes the project's own virtual environment and installs into it.
#
#   setup EXTRA       installs mvchain with that extra into .venv, if that was not done since pyproject.toml changed
#
# Needs Python 3.11 or later with pip and nothing else. With CI=true the versions of .ci/constraints.txt are used.

cd "$(dirname "$0")/.." || exit 1

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "mvchain needs Python 3.11 or later; none was found. Install it, or name it: PYTHON=/path/to/python $0" >&2
    exit 1
}

setup() {
    stamp=".venv/installed-$1"
    if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ] || [ "$(cat "$stamp")" != "$PWD" ]; then
        python=$(find_python) || exit 1
        [ -x .venv/bin/python ] || "$python" -m venv .venv || exit 1
        echo "installing mvchain[$1] into .venv ..." >&2
        constraints=""
        [ "${CI:-}" = true ] && constraints="--constraint .ci/constraints.txt"
        # shellcheck disable=SC2086 # no constraints means no argument at all
        .venv/bin/python -m pip install --quiet --disable-pip-version-check $constraints --editable ".[$1]" || exit 1
        echo "$PWD" >"$stamp"
    fi
}
